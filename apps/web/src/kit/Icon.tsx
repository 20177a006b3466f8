/** The page's icons: 16 × 16, lines in the colour of the text. */
const PATHS = {
  dashboard: "M2 2h5v7H2zM9 2h5v4H9zM9 8h5v6H9zM2 11h5v3H2z",
  trade: "M2 11l4-5 3 3 5-6M10 3h4v4",
  orders: "M3 3h10M3 8h10M3 13h6",
  history: "M8 4v4l3 2M2.5 8a5.5 5.5 0 1 0 1.6-3.9L2.5 5.5M2.5 2.5v3h3",
  deals: "M2 5h10l-3-3M14 11H4l3 3",
  positions: "M2 13V9M6 13V3M10 13V6M14 13V1.500",
  symbols: "M2 8h3l2-5 3 10 2-5h2",
  reassign: "M2 4h8a3 3 0 0 1 0 6H4M6 7l-3 3 3 3",
  reconcile: "M2 6a6 6 0 0 1 11-1M14 10A6 6 0 0 1 3 11M13 2v3h-3M3 14v-3h3",
  raw: "M6 3L2 8l4 5M10 3l4 5-4 5",
  chart: "M4 2v3M4 11v3M3 5h2v6H3zM11 1v3M11 10v4M10 4h2v6h-2z",
  backtests: "M3 2h10v12H3zM6 6h4M6 9h4",
  bots: "M4 6h8v7H4zM8 3v3M6.500 9v1M9.500 9v1",
  strategies: "M8 2l6 3-6 3-6-3zM2 8l6 3 6-3M2 11l6 3 6-3",
  signals: "M2 8a6 6 0 0 1 12 0M5 8a3 3 0 0 1 6 0M8 8v6",
  risk: "M8 2l5 2v4c0 3-2 5-5 6-3-1-5-3-5-6V4z",
  accounts: "M2 4h12v9H2zM2 7h12M5 10h3",
  users: "M8 7a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM3 14c0-3 2-5 5-5s5 2 5 5",
  keys: "M6 10a3 3 0 1 1 2-2l6 0v2h-2v2h-2v-2z",
  sessions: "M2 3h12v8H2zM5 14h6M8 11v3",
  system: "M1 8h3l2-5 3 10 2-5h4",
  account: "M8 7a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM3 14c0-3 2-5 5-5s5 2 5 5",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM11 11l3 3",
  close: "M4 4l8 8M12 4l-8 8",
  more: "M4 8h.01M8 8h.01M12 8h.01",
  menu: "M2 4h12M2 8h12M2 12h12",
  first: "M12 4L8 8l4 4M4 4v8",
  last: "M4 4l4 4-4 4M12 4v8",
  play: "M5 3l8 5-8 5z",
  pause: "M5 3v10M11 3v10",
  stats: "M2 14h12M4 12V8M8 12V4M12 12V6",
  down: "M4 6l4 4 4-4",
  up: "M4 10l4-4 4 4",
  left: "M10 4L6 8l4 4",
  right: "M6 4l4 4-4 4",
  check: "M3 8l4 4 6-8",
  columns: "M2 3h12v10H2zM6 3v10M10 3v10",
  download: "M8 2v8M5 7l3 3 3-3M3 13h10",
  filter: "M2 3h12l-4.500 5v5l-3-1.500V8z",
  refresh: "M13 5A6 6 0 1 0 14 8M13 2v3h-3",
  copy: "M5 5h8v8H5zM3 11V3h8",
  warn: "M8 2l6.500 11.500h-13zM8 6v4M8 12v.01",
  info: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7v4M8 5v.01",
  stop: "M5 2h6l3 3v6l-3 3H5l-3-3V5z",
  eye: "M1 8s3-5 7-5 7 5 7 5-3 5-7 5-7-5-7-5zM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 5v3l2 2",
  lock: "M4 7h8v7H4zM5.500 7V5a2.500 2.500 0 0 1 5 0v2",
  sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v1M8 14v1M1 8h1M14 8h1M3 3l.7.7M12.300 12.300l.7.7M3 13l.7-.7M12.300 3.700l.7-.7",
  moon: "M13 9.500A6 6 0 1 1 6.500 3 5 5 0 0 0 13 9.500z",
  language: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM2 8h12M8 2c2 2 2 10 0 12M8 2c-2 2-2 10 0 12",
  star: "M8 2l1.800 3.900 4.200.5-3.100 2.900.8 4.200L8 11.400 4.300 13.500l.8-4.200L2 6.400l4.200-.5z",
  plus: "M8 3v10M3 8h10",
  logout: "M6 3H3v10h3M10 5l3 3-3 3M13 8H6",
  external: "M9 2h5v5M14 2L7 9M12 9v5H2V4h5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      aria-hidden
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      className="shrink-0"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
