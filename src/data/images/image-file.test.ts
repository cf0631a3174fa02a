import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeImage, readImage } from "./image-file.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fathom-images-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Two rows of two pixels: red, green / blue, white. */
const pixels = Buffer.from([255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]);
const raw = { raw: { width: 2, height: 2, channels: 3 as const } };
const png = () => sharp(pixels, raw).png().toBuffer();

describe("readImage", () => {
  test("gives rows of pixels of channels between 0 and 1", async () => {
    const path = join(folder, "four.png");
    await writeFile(path, await png());
    const { data, ...shape } = await readImage(path);
    expect(shape).toEqual({ height: 2, width: 2, channels: 3 });
    expect([...data]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1]);
  });

  test("says what is wrong with a path", async () => {
    await expect(readImage(join(folder, "none.png"))).rejects.toMatchObject({ code: "DATA_FILE_MISSING" });
    await expect(readImage(folder)).rejects.toMatchObject({ code: "DATA_NOT_A_FILE" });
    const text = join(folder, "text.png");
    await writeFile(text, "date,close\n");
    await expect(readImage(text)).rejects.toMatchObject({
      code: "DATA_IMAGE_UNREADABLE",
      message: `${text}: expected a PNG or JPEG image, received another kind of file (it begins with the bytes 64 61 74 65)`,
    });
  });
});

describe("decodeImage", () => {
  test("gives one channel of luminance for grey", async () => {
    const grey = await sharp(Buffer.from([0, 51, 102, 255]), { raw: { width: 2, height: 2, channels: 1 } })
      .png()
      .toBuffer();
    const { data, channels } = await decodeImage(grey, "grey", { colour: "grey" });
    expect(channels).toBe(1);
    expect([...data]).toEqual([0, 51 / 255, 102 / 255, 1].map(Math.fround));
    const [red, green, blue, white] = (await decodeImage(await png(), "four", { colour: "grey" })).data;
    expect([green > red, red > blue, white]).toEqual([true, true, 1]); // the eye's order
  });

  test("turns a grey file into three equal channels for rgb", async () => {
    const grey = await sharp(Buffer.from([51]), { raw: { width: 1, height: 1, channels: 1 } })
      .png()
      .toBuffer();
    expect([...(await decodeImage(grey, "grey")).data]).toEqual([0.2, 0.2, 0.2].map(Math.fround));
  });

  test("resizes to the wanted height and width", async () => {
    const { data, ...shape } = await decodeImage(await png(), "four", { height: 3, width: 5 });
    expect(shape).toEqual({ height: 3, width: 5, channels: 3 });
    expect(data).toHaveLength(45);
  });

  test("reads JPEG within its loss, and lays transparency on white", async () => {
    const jpeg = await sharp({ create: { width: 8, height: 8, channels: 3, background: "#336699" } })
      .jpeg()
      .toBuffer();
    const [red, green, blue] = (await decodeImage(jpeg, "plain")).data;
    expect([red - 0.2, green - 0.4, blue - 0.6].every((difference) => Math.abs(difference) < 0.02)).toBe(
      true,
    );
    const clear = await sharp(Buffer.from([0, 0, 0, 0]), { raw: { width: 1, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    expect([...(await decodeImage(clear, "clear")).data]).toEqual([1, 1, 1]);
  });

  test("applies the camera's orientation", async () => {
    const wide = await sharp({ create: { width: 8, height: 4, channels: 3, background: "red" } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    expect(await decodeImage(wide, "wide")).toMatchObject({ height: 8, width: 4 });
  });

  test("refuses empty, damaged, foreign and oversized images", async () => {
    const whole = await sharp({
      create: {
        width: 64,
        height: 64,
        channels: 3,
        background: "red",
        noise: { type: "gaussian", mean: 99, sigma: 40 },
      },
    })
      .png()
      .toBuffer();
    const code = "DATA_IMAGE_UNREADABLE";
    await expect(decodeImage(new Uint8Array(0), "empty")).rejects.toMatchObject({
      code,
      message: "empty: expected a PNG or JPEG image, received 0 bytes",
    });
    await expect(decodeImage(whole.subarray(0, whole.length / 2), "half")).rejects.toThrow(
      "half: expected a PNG or JPEG image, received a PNG that cannot be decoded",
    );
    const svg = Buffer.from("<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>");
    await expect(decodeImage(svg, "drawing")).rejects.toMatchObject({ code });
    await expect(decodeImage(whole, "large", { maxPixels: 100 })).rejects.toThrow("pixel limit");
  });

  test("refuses sizes that are not pixels", async () => {
    const image = await png();
    await expect(decodeImage(image, "four", { width: 3 })).rejects.toThrow(
      "width and height: expected both or neither",
    );
    await expect(decodeImage(image, "four", { width: 0, height: 2 })).rejects.toThrow(
      "width: expected a whole number",
    );
  });
});
