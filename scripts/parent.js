// npm runs a script through a shell. A signal to npm ends that shell, which passes nothing on: without a look at the parent,
// `kill` of npm (a supervisor's, a container's) would leave a server behind that nobody knows of.

/** Lets this process end as on SIGTERM when npm, which ran it, is gone. Does nothing for a process that npm did not run. */
export function endWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (isThere(parent)) return;
    clearInterval(watch);
    process.kill(process.pid, "SIGTERM");
  }, 250);
  watch.unref();
}

/** Whether the parent is still the one that started us; elsewhere than on Windows an orphan has another one. */
function isThere(parent) {
  if (process.ppid !== parent) return false;
  try {
    process.kill(parent, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM"; // there, but another user's
  }
}
