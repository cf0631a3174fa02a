// Imported first by every script: answers an old Node in one clear line, before anything else can fail on it.
const wanted = [20, 19];
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < wanted[0] || (major === wanted[0] && minor < wanted[1])) {
  console.error(
    `error NODE_TOO_OLD: Fathom needs Node ${wanted.join(".")} or later, this is ${process.versions.node} (${process.execPath})`,
  );
  process.exit(5);
}
