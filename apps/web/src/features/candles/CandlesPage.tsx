import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { PageLoading } from "@/app/PageStates";
import { useFilters } from "@/app/search";
import { StoredSeries } from "@/features/candles/StoredSeries";
import { Tabs } from "@/kit/Tabs";

const Ingestions = lazy(async () => ({ default: (await import("@/features/candles/Ingestions")).Ingestions }));

/** Candles: what is stored of each series and what is missing, and the series that are kept up to date. */
export default function CandlesPage() {
  const { t } = useTranslation("candles");
  const [filters, setFilters] = useFilters("tab");
  return (
    <Tabs
      label={t("series.tabs")}
      value={filters.tab === "updated" ? "updated" : "stored"}
      onChange={(tab) => setFilters({ tab: tab === "stored" ? undefined : tab })}
      tabs={[
        { id: "stored", label: t("coverage.title"), content: <StoredSeries /> },
        {
          id: "updated",
          label: t("series.label"),
          content: (
            <Suspense fallback={<PageLoading />}>
              <Ingestions />
            </Suspense>
          ),
        },
      ]}
    />
  );
}
