-- Users of a cluster beside that of the gateway, made once at any node (docs/operations/cluster.md).
-- HAProxy's check logs in without a password, and may read an empty table. (A node outside of its cluster still
-- lets tables of the schema mysql be read.)
CREATE DATABASE IF NOT EXISTS haproxy_check;
CREATE TABLE IF NOT EXISTS haproxy_check.node (id INT PRIMARY KEY);
CREATE USER IF NOT EXISTS 'haproxy'@'%';
GRANT SELECT ON haproxy_check.node TO 'haproxy'@'%';
-- Transfers between nodes: mariadb-backup, run by the server's system user on the same machine.
CREATE USER IF NOT EXISTS 'mysql'@'localhost' IDENTIFIED VIA unix_socket;
GRANT RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR ON *.* TO 'mysql'@'localhost';
