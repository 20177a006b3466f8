const BROWSERS = [
  ["Edge", /Edg\/(\d+)/],
  ["Opera", /OPR\/(\d+)/],
  ["Firefox", /Firefox\/(\d+)/],
  ["Chrome", /Chrome\/(\d+)/],
  ["Safari", /Version\/(\d+).* Safari\//],
] as const;

const SYSTEMS = [
  ["Android", /Android/],
  ["iOS", /iPhone|iPad/],
  ["Windows", /Windows/],
  ["macOS", /Mac OS X/],
  ["Linux", /Linux/],
] as const;

/** Browser and system by a `User-Agent`, such as `Firefox 130, Linux`; an unknown one as it is. */
export function browserOf(agent: string): string {
  const parts: string[] = [];
  for (const [name, pattern] of BROWSERS) {
    const version = pattern.exec(agent)?.[1];
    if (version === undefined) continue;
    parts.push(`${name} ${version}`);
    break;
  }
  const system = SYSTEMS.find(([, pattern]) => pattern.test(agent));
  if (system !== undefined) parts.push(system[0]);
  return parts.length === 0 ? agent : parts.join(", ");
}
