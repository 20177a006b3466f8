import type en from "@/locales/en/auth";
import type { Same } from "@/locales/same";

export default {
  title: "Entrar",
  byPassword: "Usuário e senha",
  byKey: "Chave de API",
  userName: "Nome de usuário",
  password: "Senha",
  apiKey: "Chave de API",
  submit: "Entrar",
  show: "Mostrar o que é digitado",
  capsLock: "Caps Lock está ativo.",
  expired: "A sessão terminou. Entre de novo.",
  throttled: "Tentativas demais. Tente de novo em {{seconds}} s.",
  keyNote: "A chave é trocada por uma sessão e não é guardada.",
  server: "{{name}} {{version}} · {{env}}",
  degraded: "O gateway está sem o banco de dados.",
} satisfies Same<typeof en>;
