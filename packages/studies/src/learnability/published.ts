/**
 * Test accuracies that the repository of the vortex paper reports (arXiv 2411.16207), in percent. Its
 * "random" variant has a new permutation for every image. The best epoch on the test set was kept; ResNet-18,
 * and a vision transformer pre-trained on ImageNet.
 */
export const PUBLISHED_ACCURACY: Readonly<
  Record<
    string,
    { readonly 'ResNet-18': Readonly<Record<string, number>>; readonly ViT: Readonly<Record<string, number>> }
  >
> = {
  mnist: {
    'ResNet-18': { plain: 99.2, 'vortex-published': 98.89, 'per-image-permutation': 28.99 },
    ViT: { plain: 99.47, 'vortex-published': 99.15, 'per-image-permutation': 31.84 },
  },
  'fashion-mnist': {
    'ResNet-18': { plain: 94.12, 'vortex-published': 92.85, 'per-image-permutation': 40.1 },
    ViT: { plain: 94.95, 'vortex-published': 92.61, 'per-image-permutation': 56.19 },
  },
  cifar10: {
    'ResNet-18': { plain: 92.8, 'vortex-published': 87.56, 'per-image-permutation': 42.8 },
    ViT: { plain: 98.5, 'vortex-published': 92.04, 'per-image-permutation': 50.03 },
  },
}
