// Sends what applications log about logins, over OTLP/HTTP: node emit.mjs http://127.0.0.1:4318/v1/logs
import { SeverityNumber } from '@opentelemetry/api-logs';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';

let failed;
const exporter = new OTLPLogExporter({ url: process.argv[2] });
const watched = {
  export: (records, done) => exporter.export(records, (result) => { failed = failed ?? result.error; done(result); }),
  shutdown: () => exporter.shutdown(),
};
const provider = new LoggerProvider({
  resource: resourceFromAttributes({ 'service.name': 'node-shop', 'service.instance.id': 'node-1' }),
  processors: [new BatchLogRecordProcessor(watched)],
});
const logger = provider.getLogger('shop/login');

// A login, a failure and a logout in each dialect. user says which is which in the table.
const at = Date.UTC(2025, 10, 22, 0, 6, 41);
const dialects = {
  ours: [
    { eventName: 'sessionlog.login', attributes: { 'user.name': 'ours-1', 'sessionlog.outcome': 'success', 'sessionlog.auth.method': 'password', 'client.address': '203.0.113.1', 'user.roles': ['reader', 'writer'] } },
    { eventName: 'sessionlog.login', severityNumber: SeverityNumber.WARN, attributes: { 'user.name': 'ours-2', 'sessionlog.outcome': 'failure', 'error.type': 'invalid_credentials', 'sessionlog.failure.reason': 'wrong', 'client.address': '203.0.113.2' } },
    { eventName: 'sessionlog.logout', attributes: { 'user.name': 'ours-3', 'sessionlog.outcome': 'success', 'session.id': 's-3', 'client.address': '203.0.113.3' } },
  ],
  user: [
    { eventName: 'user.login.success', attributes: { 'user.name': 'user-1', 'client.address': '203.0.113.1', 'auth.method': 'password' } },
    { eventName: 'user.login.failure', attributes: { 'user.name': 'user-2', 'client.address': '203.0.113.2', 'error.type': 'user_unknown', 'error.message': 'wrong' } },
    { eventName: 'UserLoggedOut', attributes: { 'user.name': 'user-3', 'client.address': '203.0.113.3' } },
  ],
  enduser: [
    { eventName: 'enduser.signed_in', attributes: { 'enduser.id': 'enduser-1', 'network.peer.address': '203.0.113.1', 'auth.method': 'oidc' } },
    { attributes: { 'event.name': 'auth.login_failed', 'enduser.id': 'enduser-2', 'client.address': '203.0.113.2', 'error.type': 'token_expired', 'error.message': 'wrong' } },
    { eventName: 'auth.sign_out', attributes: { 'enduser.id': 'enduser-3', 'client.address': '203.0.113.3' } },
  ],
  audit: [
    { attributes: { 'audit.action': 'LOGIN', 'audit.outcome': 'success', 'audit.actor.id': 'audit-1', 'audit.actor.type': 'user', 'audit.source.id': '203.0.113.1', 'audit.record.id': 'a1', 'auth.method': 'saml' } },
    { attributes: { 'audit.action': 'LOGIN', 'audit.outcome': 'failure', 'audit.actor.id': 'audit-2', 'audit.source.id': '203.0.113.2', 'audit.record.id': 'a2', 'error.type': 'account_locked', 'error.message': 'wrong' } },
    { attributes: { 'audit.action': 'LOGOUT', 'audit.outcome': 'success', 'audit.actor.id': 'audit-3', 'audit.source.id': '203.0.113.3', 'audit.record.id': 'a3' } },
  ],
  ecs: [
    { attributes: { 'event.category': ['authentication'], 'event.type': ['start'], 'event.outcome': 'success', 'event.action': 'login', 'user.name': 'ecs-1', 'source.ip': '203.0.113.1', 'authentication.type': 'ldap' } },
    { attributes: { 'event.category': ['authentication'], 'event.type': ['start'], 'event.outcome': 'failure', 'event.reason': 'wrong', 'user.name': 'ecs-2', 'source.ip': '203.0.113.2', 'error.type': 'invalid_credentials' } },
    { attributes: { 'event.category': ['authentication'], 'event.type': ['end'], 'event.outcome': 'success', 'user.name': 'ecs-3', 'source.ip': '203.0.113.3' } },
  ],
  aspnetcore: [
    { attributes: { 'aspnetcore.identity.sign_in.result': 'success', 'aspnetcore.identity.sign_in.type': 'password', 'user.name': 'aspnetcore-1', 'client.address': '203.0.113.1' } },
    { attributes: { 'aspnetcore.identity.sign_in.result': 'not_allowed', 'aspnetcore.identity.sign_in.type': 'password', 'user.name': 'aspnetcore-2', 'client.address': '203.0.113.2', 'error.message': 'wrong' } },
    { eventName: 'user.sign_out', attributes: { 'aspnetcore.authentication.scheme': 'Identity.Application', 'user.name': 'aspnetcore-3', 'client.address': '203.0.113.3' } },
  ],
};
for (const events of Object.values(dialects)) {
  events.forEach((event, i) => logger.emit({ timestamp: at + i * 1000, severityNumber: SeverityNumber.INFO, ...event }));
}
await provider.shutdown();
if (failed) {
  console.error(failed);
  process.exit(1);
}
