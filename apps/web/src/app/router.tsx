import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Navigate,
  retainSearchParams,
} from "@tanstack/react-router";
import { NotFound } from "@/app/NotFound";
import { PageCrash, PageLoading } from "@/app/PageStates";
import { pages } from "@/app/pages";
import { parseSearch, stringifySearch, type Search } from "@/app/search";
import { Shell } from "@/app/shell/Shell";

const root = createRootRoute({
  component: Shell,
  notFoundComponent: NotFound,
  validateSearch: (search: Record<string, unknown>): Search => search as Search,
  search: { middlewares: [retainSearchParams(["acc"])] },
});

const first = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: () => <Navigate to={pages[0]?.path ?? "/"} replace />,
});

const children = pages.map((entry) =>
  createRoute({
    getParentRoute: () => root,
    path: entry.path,
    component: lazyRouteComponent(entry.load),
  }),
);

/** The router: every page is loaded when it is first opened, or when a link to it is pointed at. */
export const router = createRouter({
  routeTree: root.addChildren([first, ...children]),
  basepath: "/ui",
  parseSearch,
  stringifySearch,
  defaultPreload: "intent",
  defaultPendingComponent: PageLoading,
  defaultErrorComponent: PageCrash,
  defaultPendingMs: 150,
  scrollRestoration: false,
});
