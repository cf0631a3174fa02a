/**
 * The look of all charts. Five colours of Okabe and Ito (2008) and a brown, which stay apart for colour-blind readers, a little
 * lighter on a dark page, and six more for areas. No two are as alike as Okabe and Ito's blues, one of which would be taken for the other
 * (a test holds them apart). Colours come from custom properties, so a page may choose others.
 */
export const lightColours =
  "--paper:#fff;--ink:#1b1f24;--soft:#59626c;--grid:#e4e7ea;--rule:#9aa3ab;--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#b0528c;--c4:#6e4322;--c5:#b98200;--c6:#1f3a5f;--c7:#f2a37e;--c8:#8fce6b;--c9:#76c6f2;--c10:#a48fe0;--c11:#f0d95a";
export const darkColours =
  "--paper:#14171b;--ink:#e6e8ea;--soft:#a3acb5;--grid:#2b3138;--rule:#68727c;--c0:#5ab0ea;--c1:#f28a4b;--c2:#35c79d;--c3:#e29bc4;--c4:#a07a55;--c5:#e8bd4e;--c6:#2f5f9e;--c7:#a8431a;--c8:#3f7d3a;--c9:#c4e6fa;--c10:#9a6fe0;--c11:#f6f0a8";

const series = [0, 1, 2, 3, 4, 5];
/** How many areas of one chart have a colour of their own. */
export const areaColours = 12;

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
  ".chart .area{stroke:var(--paper);stroke-width:.6}.chart .rest{fill:var(--rule);fill-opacity:.5}",
  ".chart .branch{fill:none;stroke:var(--rule);stroke-width:1.4}",
  ".chart .band{fill:var(--c0)}.chart .band0{fill-opacity:.16}.chart .band1{fill-opacity:.24}.chart .band2{fill-opacity:.34}",
  ...series.map(
    (i) =>
      `.chart .s${i},.chart .dots.p${i}{stroke:var(--c${i})}.chart .point.p${i}{fill:var(--c${i})}.chart .branch.s${i}{stroke:var(--c${i})}`,
  ),
  Array.from({ length: areaColours }, (_, i) => `.chart .area.p${i}{fill:var(--c${i})}`).join(""),
].join("\n");
