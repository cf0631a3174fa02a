/** One Newton step, from the arrangement of a program to a direction that keeps every condition it was made from. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  gramOfRows,
  keyFrom,
  matrix,
  matrixFrom,
  multiplyTransposedVector,
  multiplyVector,
  normal,
  uniform,
} from "../../../base/index.ts";
import { KktSystem, type RightSide } from "./kkt-system.ts";
import { program } from "./program.ts";
import { saddlePoint, solveSaddlePoint } from "./saddle-point.ts";
import { coneProduct, coneScaling, scaleByCone, unscaleByCone } from "./second-order-cone.ts";
import { objectiveAt, slackAt, standardForm } from "./standard-form.ts";

describe("the standard form", () => {
  // x0 >= 0, x1 in [-1, 2], x0 + x1 <= 3; x0 - u0 <= 1, x1 - u2 <= 0.5, -x1 - u2 <= 0.25; u1 is in no row
  const form = standardForm(
    program(2, {
      linear: Float64Array.of(1, -1),
      lower: Float64Array.of(0, -1),
      upper: Float64Array.of(Number.POSITIVE_INFINITY, 2),
      inequalities: { matrix: matrixFrom([[1, 1]]), bounds: Float64Array.of(3) },
      excesses: {
        matrix: matrixFrom([
          [1, 0],
          [0, 1],
          [0, -1],
        ]),
        bounds: Float64Array.of(1, 0.5, 0.25),
        owner: Int32Array.of(0, 2, 2),
        cost: Float64Array.of(2, 9, 0),
        curvature: Float64Array.of(0, 9, 4),
      },
    }),
  );

  test("orders slacks: simple bounds, rows, hidden variables", () => {
    expect([form.rowsAt, form.hiddenAt, form.slacks]).toEqual([3, 7, 10]);
    expect(Array.from(form.owner)).toEqual([-1, 0, 2, 2]);
    expect(Array.from(form.first)).toEqual([1, 2, 2, 4]);
    const slack = slackAt(form, Float64Array.of(2, 1), Float64Array.of(10, 15, 20));
    expect(Array.from(slack)).toEqual([2, 2, 1, 0, 9, 19.5, 21.25]);
  });

  test("has an objective in which hidden variables take their best values", () => {
    // u0 = 2 - 1 at a cost of 2; u1 = 0; u2 = the larger of 1 - 0.5 and -1 - 0.25, at 4 u² / 2
    expect(objectiveAt(form, Float64Array.of(2, 1))).toBe(2 - 1 + 2 * 1 + 2 * 0.5 ** 2);
  });
});

describe("a saddle point", () => {
  test("is found where only the equality holds a direction", () => {
    const h = matrixFrom([
      [0, 0],
      [0, 2],
    ]);
    const system = saddlePoint(h, matrixFrom([[1, 0]]));
    if (system === null) throw new Error("expected a factor, received none");
    // x0 = 3, 2 x1 = 8, y = 5
    const { x, y } = solveSaddlePoint(system, Float64Array.of(5, 8), Float64Array.of(3));
    for (const [received, expected] of [
      [x[0], 3],
      [x[1], 4],
      [y[0], 5],
    ])
      expect(received).toBeCloseTo(expected, 9);
  });

  test("is none where a direction goes down for ever", () => {
    expect(saddlePoint(matrixFrom([[-1]]), matrix(0, 1))).toBeNull();
  });
});

test.each(["solve", "refined"] as const)(
  "the direction of %s keeps all conditions of the whole system",
  (how) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 2, max: 9 }), (seed, size) => {
        let salt = seed;
        const vector = (length: number) => normal(keyFrom(salt++), length);
        const positive = (length: number) => uniform(keyFrom(salt++), length, 0.5, 2);
        const inside = (length: number) => {
          const v = vector(length);
          v[0] = Math.hypot(...v.subarray(1)) + 0.5;
          return v;
        };
        const rows = (count: number) => ({
          matrix: matrix(count, size, vector(count * size)),
          bounds: vector(count),
        });
        const form = standardForm(
          program(size, {
            quadratic: gramOfRows(rows(size).matrix),
            linear: vector(size),
            lower: new Float64Array(size),
            equalities: rows(1),
            inequalities: rows(2),
            cones: [{ matrix: rows(3).matrix, offset: vector(3) }],
            // one row alone, three that share a hidden variable
            excesses: {
              ...rows(4),
              owner: Int32Array.of(0, 1, 1, 1),
              cost: positive(2),
              curvature: Float64Array.of(0, 1.5),
            },
          }),
        );
        const { rowsAt, hiddenAt, slacks, simple, owner, curvature, equalities, cones } = form;
        const [s, z] = [positive(slacks), positive(slacks)];
        const scaling = coneScaling(inside(3), inside(3));
        const right: RightSide = {
          slack: vector(hiddenAt),
          coneSlack: [vector(3)],
          dual: vector(size),
          hidden: vector(2),
          equality: vector(1),
          complement: vector(slacks),
          coneComplement: [vector(3)],
        };
        const d = KktSystem.at(form, { s, z }, [scaling])?.[how](right);
        if (!d || !form.quadratic) throw new Error("expected a direction, received none");
        const near = (received: ArrayLike<number>, expected: ArrayLike<number>) => {
          expect(received.length).toBe(expected.length);
          for (let i = 0; i < expected.length; i++)
            expect(Math.abs(received[i] - expected[i])).toBeLessThan(1e-7);
        };
        // P dx + Aᵀ dy + Gᵀ dz = -dual
        const dual = multiplyVector(form.quadratic, d.x);
        for (const part of [
          multiplyTransposedVector(equalities.matrix, d.y),
          multiplyVector(form.rows, d.z.subarray(rowsAt, hiddenAt)),
          multiplyTransposedVector(cones[0].matrix, d.coneZ[0]),
        ])
          for (let j = 0; j < size; j++) dual[j] += part[j];
        for (let i = 0; i < rowsAt; i++) dual[simple.index[i]] += simple.sign[i] * d.z[i];
        near(
          dual,
          right.dual.map((value) => -value),
        );
        // κ du - Eᵀ dz - dz(u) = -hidden
        const hidden = curvature.map((value, k) => value * d.s[hiddenAt + k] - d.z[hiddenAt + k]);
        owner.forEach((k, r) => {
          if (k >= 0) hidden[k] -= d.z[rowsAt + r];
        });
        near(
          hidden,
          right.hidden.map((value) => -value),
        );
        // G dx - E du + ds = slack
        const values = multiplyTransposedVector(form.rows, d.x);
        near(
          right.slack.map((_, i) => {
            if (i < rowsAt) return simple.sign[i] * d.x[simple.index[i]] + d.s[i];
            const k = owner[i - rowsAt];
            return values[i - rowsAt] - (k >= 0 ? d.s[hiddenAt + k] : 0) + d.s[i];
          }),
          right.slack,
        );
        near(
          multiplyVector(cones[0].matrix, d.x).map((value, i) => value + d.coneS[0][i]),
          right.coneSlack[0],
        );
        near(multiplyVector(equalities.matrix, d.x), right.equality);
        // z ds + s dz = complement; of the cone λ ∘ (W⁻¹ ds + W dz)
        near(
          s.map((value, i) => z[i] * d.s[i] + value * d.z[i]),
          right.complement,
        );
        const dz = scaleByCone(scaling, d.coneZ[0]);
        const both = unscaleByCone(scaling, d.coneS[0]).map((value, i) => value + dz[i]);
        near(coneProduct(scaling.meeting, both), right.coneComplement[0]);
      }),
      { numRuns: 40 },
    );
  },
);
