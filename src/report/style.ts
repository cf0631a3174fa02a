import { chartStyle, darkColours, lightColours } from "./charts/style.ts";

/** The look of a page: one column to read, light or dark as the reader's system is, and always light on paper. */
export const pageStyle = `:root{${lightColours};--tint:#f4f6f8;--edge:rgba(27,31,36,.28)}
@media screen and (prefers-color-scheme:dark){:root{${darkColours};--tint:#1c2126;--edge:rgba(230,232,234,.34)}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.6 Charter,"Bitstream Charter","Iowan Old Style",Georgia,"Times New Roman",serif}
main{max-width:824px;margin:0 auto;padding:0 32px}
header{padding:56px 0 20px;border-bottom:2px solid var(--ink)}
h1{font-size:36px;line-height:1.15;font-weight:600;letter-spacing:-.01em;margin:0;text-wrap:balance}
h2{font-size:23px;line-height:1.25;font-weight:600;margin:52px 0 14px}
p{margin:0 0 16px;max-width:68ch}
.subtitle{font-size:19px;line-height:1.45;color:var(--soft);margin:10px 0 0}
.facts,.unit,.note,.caption,figcaption,table,dl,footer{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
.facts{font-size:13px;color:var(--soft);margin:16px 0 0;max-width:none}
.facts>span{display:inline-block;margin-right:20px}
.finding,.caution{border-left:3px solid var(--c0);background:var(--tint);padding:12px 18px;max-width:none}
.caution{border-color:var(--c1)}
.whole{white-space:nowrap}
.figures{display:grid;gap:0 24px;margin:24px 0 10px}
${[1, 2, 3, 4, 5].map((count) => `.across${count}{grid-template-columns:repeat(${count},1fr)}`).join("")}
.figures div{border-top:1px solid var(--rule);padding-top:8px;margin-bottom:18px;display:grid;grid-row:span 3;grid-template-rows:subgrid;align-content:start}
.figures dt{font-size:13px;color:var(--soft)}
.figures dd{margin:0}
.figures .value{font-size:28px;line-height:1.3;font-weight:600;letter-spacing:-.01em;font-variant-numeric:tabular-nums}
.figures .unit{font-size:15px;font-weight:400;color:var(--soft);margin-left:5px}
.note{font-size:13px;line-height:1.45;color:var(--soft);max-width:none;margin:0}
.table{margin:28px 0}
.table .note{margin-top:8px}
/* A shade at an edge behind which the table goes on; paper that scrolls along covers it at the table's own ends. */
.scroll{overflow-x:auto;background:linear-gradient(to right,var(--paper) 30%,transparent) left/36px 100% no-repeat local,linear-gradient(to left,var(--paper) 30%,transparent) right/36px 100% no-repeat local,radial-gradient(farthest-side at 0 50%,var(--edge),transparent) left/12px 100% no-repeat scroll,radial-gradient(farthest-side at 100% 50%,var(--edge),transparent) right/12px 100% no-repeat scroll}
.scroll:focus-visible{outline:2px solid var(--c0);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-size:14px;line-height:1.4;font-variant-numeric:tabular-nums}
.caption,figcaption{font-size:14px;line-height:1.45}.caption{margin-bottom:8px;max-width:none}
thead th{border-top:1.5px solid var(--ink);border-bottom:1px solid var(--rule);vertical-align:bottom;font-weight:600}
tbody tr:last-child>*{border-bottom:1.5px solid var(--ink)}
th,td{text-align:left;padding:6px 14px 6px 0}
tbody th{font-weight:400}
/* So many columns stand closer, so that the last one is seen without scrolling. */
tr:has(>:nth-child(9))>*{padding-right:6px}tr:has(>:nth-child(9))>.number{padding-left:6px;padding-right:0}
tbody tr+tr>*{border-top:1px solid var(--grid)}
.number{text-align:right;white-space:nowrap;padding:6px 0 6px 14px}
.prose{min-width:15em}
thead .unit{display:block;font-weight:400;color:var(--soft);font-size:12px}
figure{margin:28px 0 32px}
figcaption{padding:8px 0 0;color:var(--soft);max-width:80ch}
figcaption b{color:var(--ink)}
.panels{display:grid;gap:20px 28px}
.heading{font:600 14px/1.4 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;margin:0 0 8px}
.chart{display:block;max-width:100%;height:auto;overflow:visible}
.narrow{display:none}
.terms{font-size:14px;line-height:1.5;display:grid;grid-template-columns:minmax(120px,max-content) 1fr;gap:8px 24px}
.terms dt{font-weight:600}.terms dd{margin:0}
footer{font-size:13px;color:var(--soft);padding-top:20px;padding-bottom:40px;margin-top:56px;border-top:1px solid var(--grid)}
@media screen and (max-width:800px){.figures{grid-template-columns:1fr 1fr}.figures div:last-child:nth-child(odd){grid-column:1/-1}}
@media screen and (max-width:640px){body{font-size:16px}main{padding-left:20px;padding-right:20px}header{padding-top:32px}h1{font-size:28px}h2{margin-top:40px}th,td{padding-right:10px}.number{padding-left:10px;padding-right:0}.figures .value{font-size:23px}.panels{grid-template-columns:1fr}.wide{display:none}.narrow{display:block}.terms{grid-template-columns:1fr;gap:2px}.terms dd{margin-bottom:10px}}
@media print{body{font-size:10.5pt}main{max-width:none;padding:0}header{padding-top:0}figure:not(:has(.panels)),.panel,.table,.figures{break-inside:avoid}h2{break-after:avoid}.scroll{overflow:visible;background:none}@page{margin:18mm}}
${chartStyle}`;
