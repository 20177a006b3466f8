import common from "@/locales/en/common";
import shell from "@/locales/en/shell";
import errors from "@/locales/en/errors";
import auth from "@/locales/en/auth";

/** The English texts of the first load: those of login, shell and errors. */
export const first = { common, shell, errors, auth };
