-- 0001_tenant: a tenant's tables. Runs with the search_path on tenant_template, or on one tenant's
-- schema; platform.wall puts up row-level security, platform.grant_tenant the rights.
CREATE TABLE tenants (
	id                uuid         PRIMARY KEY DEFAULT public.uuid_generate_v4(),
	name              varchar(255) NOT NULL,
	domain            varchar(255) UNIQUE NOT NULL,
	subscription_tier varchar(50)  DEFAULT 'BASIC',
	settings          jsonb        DEFAULT '{}',
	created_at        timestamptz  DEFAULT now(),
	updated_at        timestamptz  DEFAULT now()
);

CREATE TABLE users (
	id             uuid         PRIMARY KEY DEFAULT public.uuid_generate_v4(),
	tenant_id      uuid         NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	external_id    varchar(255),
	user_type      varchar(50)  NOT NULL,
	role           varchar(50)  DEFAULT 'END_USER',
	preferences    jsonb        DEFAULT '{}',
	last_active_at timestamptz,
	created_at     timestamptz  DEFAULT now()
);
CREATE UNIQUE INDEX users_external ON users (tenant_id, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE conversations (
	id              uuid        PRIMARY KEY DEFAULT public.uuid_generate_v4(),
	tenant_id       uuid        NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	user_id         uuid        REFERENCES users (id) ON DELETE CASCADE,
	channel         varchar(50) NOT NULL,
	status          varchar(50) DEFAULT 'ACTIVE',
	context         jsonb       DEFAULT '{}',
	started_at      timestamptz DEFAULT now(),
	last_message_at timestamptz DEFAULT now(),
	completed_at    timestamptz
);
CREATE INDEX conversations_of_user ON conversations (user_id, last_message_at DESC);
CREATE INDEX conversations_open ON conversations (user_id, channel) WHERE status = 'ACTIVE';
CREATE INDEX conversations_of_tenant ON conversations (tenant_id, last_message_at DESC);

CREATE TABLE messages (
	id              uuid        PRIMARY KEY DEFAULT public.uuid_generate_v4(),
	conversation_id uuid        NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
	sender_type     varchar(50) NOT NULL,
	content         text        NOT NULL,
	message_type    varchar(50) DEFAULT 'TEXT',
	metadata        jsonb       DEFAULT '{}',
	timestamp       timestamptz DEFAULT now(),
	is_processed    boolean     DEFAULT false
);
CREATE INDEX messages_last ON messages (conversation_id, timestamp DESC);

-- A document's source is what people are shown (a file's name, a URL, a JSONL _id); its origin is what
-- a new version is known by (a file's real path), and is never shown to customers. '' is the source.
CREATE TABLE documents (
	id             uuid        PRIMARY KEY DEFAULT public.uuid_generate_v4(),
	tenant_id      uuid        NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	source         text        NOT NULL,
	origin         text        NOT NULL DEFAULT '',
	title          text        NOT NULL,
	mime           text        NOT NULL DEFAULT '',
	audience       text        NOT NULL DEFAULT 'PUBLIC' CHECK (audience IN ('PUBLIC', 'INTERNAL')),
	language       text        NOT NULL DEFAULT '',	-- ISO 639-1, '' while unknown
	sha256         bytea       NOT NULL CHECK (length(sha256) = 32),
	byte_size      bigint      NOT NULL,
	status         text        NOT NULL DEFAULT 'PENDING'
		CHECK (status IN ('PENDING', 'EXTRACTING', 'SEARCHABLE', 'READY', 'FAILED')),
	reason         text,
	page_count     int         NOT NULL DEFAULT 0,
	chunk_count    int         NOT NULL DEFAULT 0,
	embedded_count int         NOT NULL DEFAULT 0,
	metadata       jsonb       NOT NULL DEFAULT '{}',
	created_at     timestamptz NOT NULL DEFAULT now(),
	updated_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX documents_source ON documents (tenant_id, source);
CREATE INDEX documents_origin ON documents (tenant_id, origin);
CREATE INDEX documents_content ON documents (tenant_id, sha256);
CREATE INDEX documents_status ON documents (status) WHERE status <> 'READY';

-- The file as it came, in parts, so that neither side holds it whole.
CREATE TABLE document_blobs (
	document_id uuid  NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
	tenant_id   uuid  NOT NULL,
	part        int   NOT NULL,
	data        bytea NOT NULL,
	PRIMARY KEY (document_id, part)
);
ALTER TABLE document_blobs ALTER COLUMN data SET STORAGE EXTERNAL;

-- The text that was extracted, by page, long pages in several rows; start_offset is a row's first
-- code point in the whole text.
CREATE TABLE document_pages (
	document_id  uuid NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
	tenant_id    uuid NOT NULL,
	page         int  NOT NULL,	-- 0 where the format has no pages
	start_offset int  NOT NULL,
	content      text NOT NULL,
	PRIMARY KEY (document_id, page, start_offset)
);

-- Offsets are code points in the document's whole text (pages one after the other). Ids come in
-- contiguous blocks (platform.take_ids), so that segments of the lexical index hold disjoint ranges.
CREATE SEQUENCE chunk_ids;
CREATE TABLE chunks (
	id           bigint PRIMARY KEY,
	tenant_id    uuid   NOT NULL,
	document_id  uuid   NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
	chunk_index  int    NOT NULL,
	page         int    NOT NULL DEFAULT 0,
	start_offset int    NOT NULL,
	end_offset   int    NOT NULL,
	audience     text   NOT NULL,
	language     text   NOT NULL DEFAULT '',
	content      text   NOT NULL,
	embedding    public.halfvec(384),
	UNIQUE (document_id, chunk_index)
);
CREATE INDEX chunks_without_vector ON chunks (document_id, chunk_index) WHERE embedding IS NULL;
CREATE INDEX chunks_dense ON chunks USING hnsw (embedding public.halfvec_cosine_ops);

-- The lexical index. A segment is one commit's chunks of one audience and language, or several
-- merged; postings.data is packed {chunk uint32, tf uint16, length uint16}, little endian, by chunk.
-- The term '' has every chunk of the segment. No foreign key: it would cost each posting a trigger;
-- lib/retrieval writes and deletes both tables in one transaction.
CREATE TABLE segments (
	id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	tenant_id    uuid   NOT NULL,
	audience     text   NOT NULL,
	language     text   NOT NULL,
	first_chunk  bigint NOT NULL,
	last_chunk   bigint NOT NULL CHECK (last_chunk < 4294967296),
	chunk_count  int    NOT NULL,	-- live ones
	total_length bigint NOT NULL,	-- terms in the live ones
	deleted      bytea  NOT NULL DEFAULT ''	-- packed uint32: chunks gone, still in postings until the next merge
);
CREATE TABLE postings (
	term       text COLLATE "C" NOT NULL,
	segment_id bigint NOT NULL,
	tenant_id  uuid   NOT NULL,
	data       bytea  NOT NULL,
	PRIMARY KEY (term, segment_id)
);
CREATE INDEX postings_of_segment ON postings (segment_id);
ALTER TABLE postings ALTER COLUMN data SET STORAGE EXTERNAL;

-- The sum of n names a state of the index; a row a commit that adds, removes or embeds chunks, merged in
-- time. lib/retrieval keeps what it found for a question as long as the sum is the same.
CREATE TABLE index_changes (
	id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	tenant_id uuid   NOT NULL,
	n         bigint NOT NULL DEFAULT 1
);

SELECT platform.wall('tenants', 'id = (SELECT public.get_current_tenant_id())'),
       platform.wall('users'), platform.wall('conversations'),
       platform.wall('messages', 'EXISTS (SELECT 1 FROM conversations c WHERE c.id = conversation_id)'),
       platform.wall('documents'), platform.wall('document_blobs'), platform.wall('document_pages'),
       platform.wall('chunks'), platform.wall('segments'), platform.wall('postings'),
       platform.wall('index_changes');
SELECT platform.grant_tenant('SELECT, UPDATE', 'tenants'),
       platform.grant_tenant('SELECT, INSERT, UPDATE, DELETE', t)
FROM unnest(ARRAY['users', 'conversations', 'messages', 'documents', 'document_blobs', 'document_pages', 'chunks',
		  'segments', 'postings', 'index_changes']) t;
SELECT platform.grant_tenant('USAGE, SELECT, UPDATE', 'chunk_ids');
