import puppeteer from 'puppeteer-core'
const [,, url, name, full='1'] = process.argv
const b = await puppeteer.launch({ executablePath:'/usr/bin/chromium', args:['--no-sandbox'], headless:true })
for (const w of [390,1280]) for (const m of ['light','dark']) {
  const p = await b.newPage(); await p.setViewport({width:w,height:900})
  await p.emulateMediaFeatures([{name:'prefers-color-scheme',value:m}])
  await p.goto(url); const h = await p.evaluate(()=>[document.documentElement.scrollHeight, document.documentElement.scrollWidth])
  console.log(w,m,h.join('x'))
  const H=Math.min(h[0], full==='1'?6000:+full)
  await p.screenshot({path:`/tmp/lab/shot/${name}-${w}-${m}.png`, clip:{x:0,y:0,width:w,height:H}}); await p.close()
}
await b.close()
