/** Work that can wait until the browser has nothing else to do. */

/** The first load and its reads come first. */
const WAIT_MS = 3000;

function whenIdle(run: () => void): void {
  // Safari has no idle callback.
  if ("requestIdleCallback" in globalThis) requestIdleCallback(run);
  else setTimeout(run, 50);
}

function savesData(): boolean {
  const { connection } = navigator as { connection?: { saveData?: boolean } };
  return connection?.saveData === true;
}

const idle = () =>
  new Promise<void>((resolve) => {
    whenIdle(resolve);
  });

/**
 * Call the loaders one after another while the browser is idle, unless the user saves data. One that
 * fails is left out: what it loads is loaded when it is opened, and says there why it cannot be.
 * Returns the function that ends it.
 */
export function loadWhenIdle(loaders: readonly (() => Promise<unknown>)[], wait = WAIT_MS): () => void {
  let ended = savesData();
  const loadAll = async () => {
    for (const load of loaders) {
      await idle();
      if (ended) return;
      await Promise.allSettled([load()]);
    }
  };
  const timer = setTimeout(() => void loadAll(), wait);
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}
