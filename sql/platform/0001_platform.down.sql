-- Undo 0001_platform. The runner refuses while a tenant is registered. Roles stay: they are the
-- cluster's, other databases may use them.
DROP SCHEMA tenant_template CASCADE;
DROP FUNCTION public.create_tenant_schema(text);
DROP TABLE platform.jobs, platform.tenants CASCADE;
DROP FUNCTION platform.schema_name_of(text), platform.grant_tenant(text, text), platform.wall(text, text),
	platform.tenant_find(text), platform.job_enqueue(text, text), platform.job_claim(text, int),
	platform.job_extend(bigint, text, int), platform.job_finish(bigint, text),
	platform.job_retry(bigint, text, int, text), platform.job_fail(bigint, text, text),
	platform.job_guard(bigint, text), platform.tenant_remove(uuid);
DROP FUNCTION public.get_current_tenant_id();
