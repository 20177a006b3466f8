/** The page of a share link: it needs no session, and asks for none. */

/** The path of the page that shows a link; its token follows `#`, which is sent to no server. */
export const SHARED_PATH = "/ui/share";

/** The token of the link that the address of the page is of, perhaps empty; null on every other page. */
export function sharedToken(): string | null {
  const { pathname, hash } = globalThis.location;
  return pathname === SHARED_PATH ? hash.slice(1) : null;
}

/** The address of a link. */
export function addressOf(token: string): string {
  return `${globalThis.location.origin}${SHARED_PATH}#${token}`;
}
