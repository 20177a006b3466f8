import { useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { offeredPages } from "@/app/pages";
import { useMe } from "@/lib/permissions";
import { loadWhenIdle } from "@/lib/idle";

/** What every page opens. */
const SHELL = [
  () => import("@/kit/MenuPopup"),
  () => import("@/app/shell/ActivityDrawer"),
  () => import("@/app/shell/Palette"),
];

/** Load the code of what the user may open next while the browser has nothing else to do. */
export function useIdleLoading(): void {
  const { actions } = useMe();
  const router = useRouter();
  useEffect(() => {
    const routes = Object.values(router.routesById);
    const paths = new Set<string>(offeredPages(actions).map((page) => page.path));
    const pages = routes.filter((route) => paths.has(route.fullPath));
    return loadWhenIdle([...SHELL, ...pages.map((route) => () => Promise.resolve(router.loadRouteChunk(route)))]);
  }, [actions, router]);
}
