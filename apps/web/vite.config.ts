import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** The gateway that the development server passes API calls and the WebSocket on to. */
const gateway = process.env["OMS_GATEWAY"] ?? "http://127.0.0.1:8000";

/** The path prefixes of the API; everything under `/ui/` is the page itself. */
const API =
  "^/(admin|alerts|analytics|auth|ccxt|dispatcher|health|healthz|livez|readyz|version|market|meta|notifications|oms|paper|portfolio|risk|share|signals|stats|strategies|user|bots|backtests|openapi\\.json)(/|\\?|$)";

export default defineConfig({
  base: "/ui/",
  plugins: [react(), tailwindcss()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: "../oms/web",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    target: "es2023",
  },
  server: {
    port: 5173,
    strictPort: false,
    proxy: {
      [API]: { target: gateway },
      "/ws": { target: gateway, ws: true },
    },
  },
  test: {
    environment: "happy-dom",
    include: ["test/**/*.test.{ts,tsx}"],
    setupFiles: ["test/setup.ts"],
    // One document and one copy of the modules per process: a new one per file took most of the time.
    isolate: false,
    restoreMocks: true,
    testTimeout: 30_000,
  },
});
