export default {
  label: "Alertas de precio",
  created: "Creada",
  condition: "Condición",
  price: "Precio",
  note: "Nota",
  conditions: {
    above: "En o por encima de",
    below: "En o por debajo de",
    crosses: "Cruza",
  },
  now: "Ahora {{price}}",
  some: "Se muestran las alertas de las primeras {{count}} cuentas en vista.",
  empty: "Ninguna alerta de precio.",
  emptyHint: "Una alerta dice una vez que se alcanzó un precio, aquí y a los destinos. No opera nada.",
  create: {
    title: "Nueva alerta de precio",
    effect: "Se dispara una vez y no opera nada.",
    action: "Crear la alerta",
    done: "La alerta en {{symbol}} está creada.",
  },
  remove: {
    action: "Quitar",
    title: "Quitar la alerta en {{symbol}}",
    effect: "Ya no se dispara.",
    done: "La alerta está quitada.",
  },
};
