// `npm run build`: compiles src/ into dist/, and nothing else.
import { build } from "./setup.js";

await build();
