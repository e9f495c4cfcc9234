-- STL_CONNECTION_LOG as https://docs.aws.amazon.com/redshift/latest/dg/r_STL_CONNECTION_LOG.html describes it.
CREATE TABLE pg_catalog.stl_connection_log (
  event             character(50),
  recordtime        timestamp,
  remotehost        character(45),
  remoteport        character(32),
  pid               integer,
  dbname            character(50),
  username          character(50),
  authmethod        character(32),
  duration          integer,
  sslversion        character(50),
  sslcipher         character(128),
  mtu               integer,
  sslcompression    character(64),
  sslexpansion      character(64),
  iamauthguid       character(36),
  application_name  character(250),
  os_version        character(64),
  driver_version    character(64),
  plugin_name       character(32),
  protocol_version  integer
);
