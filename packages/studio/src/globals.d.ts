declare module '*.css'
/** The version of the release, put in by the build. */
declare const VERSION: string
