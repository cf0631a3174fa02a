export { renderChart } from "./charts/render.ts";
export {
  type AreaChart,
  type Axis,
  type BandChart,
  type BarChart,
  type Chart,
  calibrationChart,
  type Dendrogram,
  type HeatTable,
  type Histogram,
  type IntervalChart,
  type LineChart,
  type ScatterChart,
  type Series,
} from "./charts/spec.ts";
export { areaColours } from "./charts/style.ts";
export { type Diagram, type DiagramBox, type DiagramEdge, renderDiagram } from "./diagram.ts";
export { escapeText, formatNumber } from "./format.ts";
export {
  type Block,
  type Column,
  type Definitions,
  type Figure,
  type KeyFigures,
  type Page,
  type Panels,
  type Paragraph,
  page,
  type Section,
  type Table,
} from "./page.ts";
export { textTable } from "./text-table.ts";
