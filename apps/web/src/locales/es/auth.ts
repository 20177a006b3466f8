import type en from "@/locales/en/auth";
import type { Same } from "@/locales/same";

export default {
  title: "Entrar",
  byPassword: "Usuario y contraseña",
  byKey: "Clave de API",
  userName: "Nombre de usuario",
  password: "Contraseña",
  apiKey: "Clave de API",
  submit: "Entrar",
  show: "Mostrar lo escrito",
  capsLock: "Bloq Mayús está activo.",
  expired: "La sesión terminó. Entre de nuevo.",
  throttled: "Demasiados intentos. Pruebe de nuevo en {{seconds}} s.",
  keyNote: "La clave se cambia por una sesión y no se guarda.",
  server: "{{name}} {{version}} · {{env}}",
  degraded: "El gateway funciona sin su base de datos.",
} satisfies Same<typeof en>;
