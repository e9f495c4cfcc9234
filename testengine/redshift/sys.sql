-- SYS_CONNECTION_LOG as https://docs.aws.amazon.com/redshift/latest/dg/SYS_CONNECTION_LOG.html describes it. session_id is the process's.
CREATE TABLE pg_catalog.sys_connection_log (
  event              character(50),
  record_time        timestamp,
  remote_host        character(45),
  remote_port        character(32),
  session_id         integer,
  database_name      character(50),
  user_name          character(50),
  auth_method        character(32),
  duration           integer,
  ssl_version        character(50),
  ssl_cipher         character(128),
  mtu                integer,
  ssl_compression    character(64),
  ssl_expansion      character(64),
  iam_auth_guid      character(36),
  application_name   character(250),
  driver_version     character(64),
  os_version         character(64),
  plugin_name        character(32),
  protocol_version   integer,
  global_session_id  character(36)
);
