export { decodeImage, type ImageMatrix, type ImageOptions, readImage } from "./image-file.ts";
export {
  type ChartBars,
  chartMatrix,
  drawPriceChart,
  type PriceChart,
  type PriceChartOptions,
} from "./price-chart.ts";
