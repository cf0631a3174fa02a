/**
 * The look of all charts. Six colours of Okabe and Ito (2008), which stay apart for colour-blind readers, a little lighter
 * on a dark page. Colours come from custom properties, so a page may choose others.
 */
export const lightColours =
  "--paper:#fff;--ink:#1b1f24;--soft:#59626c;--grid:#e4e7ea;--rule:#9aa3ab;--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#b0528c;--c4:#3d9bd0;--c5:#b98200";
export const darkColours =
  "--paper:#14171b;--ink:#e6e8ea;--soft:#a3acb5;--grid:#2b3138;--rule:#68727c;--c0:#5ab0ea;--c1:#f28a4b;--c2:#35c79d;--c3:#e29bc4;--c4:#9bd6f7;--c5:#e8bd4e";

const series = [0, 1, 2, 3, 4, 5];

export const chartStyle = [
  ".chart text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;fill:var(--ink);font-variant-numeric:tabular-nums}",
  ".chart .tick{fill:var(--soft)}.chart .title{fill:var(--soft);font-weight:600}",
  ".chart .end{text-anchor:end}.chart .middle{text-anchor:middle}",
  ".chart .grid{stroke:var(--grid);fill:none}.chart .lead{stroke:var(--rule);stroke-width:.8;fill:none}.chart .axis{stroke:var(--rule);fill:none}",
  ".chart .mark{stroke:var(--soft);stroke-dasharray:3 4;fill:none}",
  ".chart .line{fill:none;stroke-width:1.6;stroke-linejoin:round;stroke-linecap:round}.chart .thin{stroke-width:1.2}",
  ".chart .dashed{stroke-dasharray:7 5}.chart .dotted{stroke-dasharray:1 5}",
  ".chart .dots{fill:none;stroke-width:7;stroke-linecap:round}.chart .many{stroke-width:5;stroke-opacity:.55}",
  ".chart .bar{fill:var(--c0);fill-opacity:.8}.chart .cell{fill:var(--c0)}.chart .below{fill:var(--c1)}",
  ".chart .area{stroke:var(--paper);stroke-width:.6}.chart .tier1{fill-opacity:.62}.chart .tier2{fill-opacity:.34}.chart .rest{fill:var(--rule);fill-opacity:.5}",
  ".chart .branch{fill:none;stroke:var(--rule);stroke-width:1.4}",
  ".chart .band{fill:var(--c0)}.chart .band0{fill-opacity:.16}.chart .band1{fill-opacity:.24}.chart .band2{fill-opacity:.34}",
  ...series.map(
    (i) =>
      `.chart .s${i},.chart .dots.p${i}{stroke:var(--c${i})}.chart .point.p${i},.chart .area.p${i}{fill:var(--c${i})}.chart .branch.s${i}{stroke:var(--c${i})}`,
  ),
].join("\n");
