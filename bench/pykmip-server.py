"""Starts PyKMIP's server: folder with cert.pem, key.pem and ca.pem, port."""
import sys
import warnings

warnings.simplefilter("ignore")
from kmip.services.server import KmipServer

folder, port = sys.argv[1], int(sys.argv[2])
server = KmipServer(
    hostname="127.0.0.1",
    port=port,
    certificate_path=folder + "/server.pem",
    key_path=folder + "/server-key.pem",
    ca_path=folder + "/ca.pem",
    auth_suite="TLS1.2",
    config_path=None,
    log_path=folder + "/pykmip.log",
    policy_path=folder + "/policy",
    enable_tls_client_auth=False,
    logging_level="ERROR",
    database_path=folder + "/pykmip.db",
)
with server:
    server.serve()
