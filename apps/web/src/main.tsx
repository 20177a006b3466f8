import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { startSession } from "@/api/session";
import { sharedToken } from "@/app/shared";
import { App } from "@/app/App";
import { startQueries } from "@/app/queries";
import { startCommands } from "@/commands/tracker";
import { startPreferences } from "@/lib/preferences";
import { startShortcuts } from "@/lib/shortcuts";
import { startLive } from "@/live/live";
import { startTexts } from "@/locales";
import "@/styles.css";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element with id root");

startPreferences();
startQueries();
startLive();
startCommands();
startShortcuts();
if (sharedToken() === null) startSession();
await startTexts();

createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
