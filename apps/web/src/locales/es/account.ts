import type en from "@/locales/en/account";
import type { Same } from "@/locales/same";

export default {
  keys: {
    title: "Claves de API",
    search: "Clave o usuario",
    empty: "No hay claves de API.",
    label: "Etiqueta",
    user: "Usuario",
    role: "Rol",
    prefix: "Empieza por",
    status: "Estado",
    state: { active: "Activa", disabled: "Desactivada" },
    lastUsed: "Último uso",
    lastIp: "Desde",
    created: "Creada",
    expires: "Vence",
    term: { never: "Nunca", "30": "En 30 días", "90": "En 90 días", "365": "En un año" },
    addresses: "Direcciones permitidas",
    addressesHint: "Direcciones IP o redes, separadas por comas. Vacío: cualquiera.",
    create: {
      title: "Nueva clave de API",
      effect: "Crea una clave. Su texto se muestra una sola vez. Empieza sin permisos en cuentas.",
      action: "Crear clave",
    },
    secret: {
      title: "Clave de API {{id}}",
      once: "Guarde esta clave ahora. No se puede volver a mostrar.",
      lost: "El gateway da el texto de una clave una sola vez, y esta respuesta no lo contiene. Desactive la clave y cree otra.",
      copy: "Copiar clave",
      copied: "Copiada",
      saved: "La he guardado",
      noRights: "Un administrador concede a la clave permisos en cuentas.",
    },
    disable: {
      title: "Desactivar la clave {{name}}",
      effect: "Las peticiones con esta clave de {{user}} se rechazan de inmediato y sus sesiones terminan. Se puede volver a activar.",
      action: "Desactivar clave",
      done: "La clave {{name}} está desactivada.",
      own: "Está usando esta clave: su sesión termina.",
    },
    enable: {
      title: "Activar la clave {{name}}",
      effect: "Las peticiones con esta clave de {{user}} se aceptan de nuevo, con los permisos que tenía.",
      action: "Activar clave",
      done: "La clave {{name}} está activa.",
    },
  },
} satisfies Same<typeof en>;
