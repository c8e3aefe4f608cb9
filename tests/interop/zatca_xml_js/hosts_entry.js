// What a line of /etc/hosts and a server on port 443 do: connections to the gateway's names go to loopback.
"use strict";
const net = require("net");

const NAMES = ["gw-fatoora.zatca.gov.sa", "gw-apic-gov.gazt.gov.sa"];
const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function (...given) {
  const options = Array.isArray(given[0]) ? given[0][0] : given[0];
  if (NAMES.includes(options.host)) {
    options.host = "127.0.0.1";
    options.port = Number(process.env.KHATM_HTTPS_PORT);
  }
  return connect.apply(this, given);
};
