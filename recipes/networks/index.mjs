import { cnv, mobilenetV1, resnet8, resnet50 } from './image-networks.mjs';
import { concatSplit, espcn, quantAvgPool, transposed } from './shape-networks.mjs';
import { embedding, gw1d, mlp, vgg10Radioml } from './signal-networks.mjs';

/** The networks by the names of `make.mjs`. */
export const networks = {
  cnv,
  'concat-split': concatSplit,
  embedding,
  espcn,
  gw1d,
  'mobilenet-v1': mobilenetV1,
  mlp,
  'quant-avg-pool': quantAvgPool,
  resnet8,
  resnet50,
  transposed,
  'vgg10-radioml': vgg10Radioml,
};

export {
  cnv,
  concatSplit,
  embedding,
  espcn,
  gw1d,
  mlp,
  mobilenetV1,
  quantAvgPool,
  resnet8,
  resnet50,
  transposed,
  vgg10Radioml,
};
