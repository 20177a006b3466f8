import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { EmptyState } from "@/kit/EmptyState";

export function NotFound() {
  const { t } = useTranslation();
  return (
    <EmptyState title={t("notFound.title")}>
      <Link to="/" className="text-accent underline">
        {t("notFound.home")}
      </Link>
    </EmptyState>
  );
}
