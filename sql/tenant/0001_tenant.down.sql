-- 0001_tenant: undo, with everything in it.
DROP TABLE index_changes, postings, segments, chunks, document_pages, document_blobs, documents, messages, conversations, users, tenants CASCADE;
DROP SEQUENCE chunk_ids;
