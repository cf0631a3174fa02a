import { expect, test } from "vitest";
import { modelSettings } from "./model-settings.ts";

const keys = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "hidden" };

test("keeps files in the data folder and refuses unsigned models when nothing is set", () => {
  expect(modelSettings({})).toEqual({ unsigned: "refuse", artifacts: undefined });
  expect(modelSettings({ FATHOM_UNSIGNED_MODELS: "warn" }).unsigned).toBe("warn");
});

test("reads a store as other tools do", () => {
  const FATHOM_ARTIFACTS = "s3://models/team/a/";
  expect(modelSettings({ FATHOM_ARTIFACTS, ...keys, AWS_REGION: "eu-west-1" }).artifacts).toEqual({
    endpoint: "https://s3.eu-west-1.amazonaws.com",
    bucket: "models",
    prefix: "team/a",
    region: "eu-west-1",
    accessKeyId: "id",
    secretAccessKey: "hidden",
    sessionToken: undefined,
  });
  const own = modelSettings({
    FATHOM_ARTIFACTS: "s3://models",
    ...keys,
    AWS_ENDPOINT_URL: "http://minio:9000",
  });
  expect(own.artifacts).toMatchObject({
    endpoint: "http://minio:9000",
    prefix: undefined,
    region: "us-east-1",
  });
});

test.each([
  [{ FATHOM_UNSIGNED_MODELS: "yes" }, 'FATHOM_UNSIGNED_MODELS: expected refuse or warn, received "yes"'],
  [
    { FATHOM_ARTIFACTS: "models", ...keys },
    'FATHOM_ARTIFACTS: expected s3://bucket or s3://bucket/prefix, received "models"',
  ],
  [
    { FATHOM_ARTIFACTS: "s3://models", AWS_ACCESS_KEY_ID: "id" },
    "AWS_SECRET_ACCESS_KEY: expected a value, since FATHOM_ARTIFACTS is set, received none",
  ],
])("names what is wrong with %j", (environment, message) => {
  expect(() => modelSettings(environment)).toThrow(message);
});
