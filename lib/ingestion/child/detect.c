/* lib/ingestion/child/detect.c - magic numbers: old Office, pictures, things that hold no text. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/child/child.h"

#include <string.h>

static const struct {
	const char *magic;
	size_t      n, at;
	const char *why;
} detect_magic[] = {
#define MAGIC(s) s, sizeof(s) - 1, 0
	{ MAGIC("{\\rtf"), "Rich Text Format (.rtf): save it as .docx and upload again" },
	{ MAGIC("\x89PNG\r\n"), "a picture (PNG) holds no text: run OCR, save as PDF and upload again" },
	{ MAGIC("\xFF\xD8\xFF"), "a picture (JPEG) holds no text: run OCR, save as PDF and upload again" },
	{ MAGIC("GIF8"), "a picture (GIF) holds no text: run OCR, save as PDF and upload again" },
	{ MAGIC("II*\0"), "a picture (TIFF) holds no text: run OCR, save as PDF and upload again" },
	{ MAGIC("MM\0*"), "a picture (TIFF) holds no text: run OCR, save as PDF and upload again" },
	{ "WEBP", 4, 8, "a picture (WebP) holds no text: run OCR, save as PDF and upload again" },
	{ "ftyphei", 7, 4, "a picture (HEIC) holds no text: run OCR, save as PDF and upload again" },
	{ "ftyp", 4, 4, "a video or sound file holds no text: upload a transcript" },
	{ MAGIC("ID3"), "a sound file holds no text: upload a transcript" },
	{ MAGIC("OggS"), "a video or sound file holds no text: upload a transcript" },
	{ "WAVE", 4, 8, "a sound file holds no text: upload a transcript" },
	{ "AVI ", 4, 8, "a video holds no text: upload a transcript" },
	{ MAGIC("\x1A\x45\xDF\xA3"), "a video holds no text: upload a transcript" },
	{ MAGIC("%!PS"), "a PostScript file: convert it to PDF and upload again" },
	{ MAGIC("AT&TFORM"), "a DjVu file: convert it to PDF and upload again" },
	{ MAGIC("\x1F\x8B"), "a compressed file (gzip): unpack it and upload its files" },
	{ MAGIC("BZh"), "a compressed file (bzip2): unpack it and upload its files" },
	{ MAGIC("\xFD" "7zXZ"), "a compressed file (xz): unpack it and upload its files" },
	{ MAGIC("\x28\xB5\x2F\xFD"), "a compressed file (zstd): unpack it and upload its files" },
	{ MAGIC("7z\xBC\xAF"), "an archive (7z): unpack it and upload its files" },
	{ MAGIC("Rar!"), "an archive (RAR): unpack it and upload its files" },
	{ "ustar", 5, 257, "an archive (tar): unpack it and upload its files" },
	{ MAGIC("PK\x03\x04"), "a ZIP archive, or a damaged Office file: upload the files in it, or save "
			       "the document again" },
	{ MAGIC("PK\x05\x06"), "an empty ZIP archive: nothing to read" },
	{ MAGIC("\x7F" "ELF"), "a program, not a document" },
	{ MAGIC("MZ\x90"), "a program, not a document" },
	{ MAGIC("SQLite format 3"), "a database file: export its tables as CSV and upload those" },
	{ MAGIC("!BDN"), "an Outlook data file (.pst): save its messages as .eml and upload those" },
	{ MAGIC("\xDB\xA5-"), "very old Word format: save it as .docx and upload again" },
	{ MAGIC("\x31\xBE\0\0"), "very old Word format: save it as .docx and upload again" },
	{ MAGIC("\xFFWPC"), "a WordPerfect file: save it as .docx and upload again" },
	{ MAGIC("\x09\x08\x10\0"), "old Excel format (.xls): save it as .xlsx and upload again" },
	{ MAGIC("\x09\x08\x08\0"), "old Excel format (.xls): save it as .xlsx and upload again" },
	{ MAGIC("\x09\x04\x06\0"), "old Excel format (.xls): save it as .xlsx and upload again" },
	{ MAGIC("\x09\x02\x06\0"), "old Excel format (.xls): save it as .xlsx and upload again" },
	{ MAGIC("ITSF"), "a Windows help file (.chm): save it as HTML or PDF and upload again" },
	{ MAGIC("wOFF"), "a font, not a document" },
	{ MAGIC("OTTO"), "a font, not a document" },
#undef MAGIC
};

/* An OLE container holds streams with UTF-16 names; the first row found says what it is. */
static const struct {
	const char *stream, *why;
} detect_ole[] = {
	{ "DRMEncrypted", "a document protected by rights management: save it without protection and "
			  "upload again" },
	{ "EncryptedPackage", "password-protected Office document: remove the password and upload again" },
	{ "WordDocument", "old Word format (.doc): save it as .docx and upload again" },
	{ "PowerPoint Document", "old PowerPoint format (.ppt): save it as .pptx and upload again" },
	{ "Workbook", "old Excel format (.xls): save it as .xlsx and upload again" },
	{ "Book", "old Excel format (.xls): save it as .xlsx and upload again" },
	{ "__substg1.0_", "an Outlook message (.msg): save it as .eml or PDF and upload again" },
	{ "__properties_v", "an Outlook message (.msg): save it as .eml or PDF and upload again" },
	{ "VisioDocument", "old Visio format (.vsd): save it as PDF and upload again" },
};

#define DETECT_STEP 65536
#define DETECT_NAME 64

/* Is the UTF-16 name anywhere in the file? Its directory may be at any place. */
static bool detect_has_stream(const struct extract_doc *d, const char *name)
{
	char wide[DETECT_NAME];
	size_t n = 0;
	char *part = desk_xmalloc(DETECT_STEP + DETECT_NAME);
	bool found = false;

	for (const char *p = name; *p != '\0' && n + 2 <= sizeof(wide); p++) {
		wide[n++] = *p;
		wide[n++] = '\0';
	}
	for (uint64_t at = 0; at < d->size && !found; at += DETECT_STEP) {
		size_t got = extract_read(d, at, part, DETECT_STEP + DETECT_NAME);

		found = got >= n && memmem(part, got, wide, n) != NULL;
		if (got < DETECT_STEP)
			break;
	}
	free(part);
	return found;
}

static const char *detect_ole_kind(const struct extract_doc *d)
{
	for (size_t i = 0; i < DESK_ARRAY_LEN(detect_ole); i++)
		if (detect_has_stream(d, detect_ole[i].stream))
			return detect_ole[i].why;
	return "an old Office file (OLE container): save it as .docx, .xlsx or .pptx and upload again";
}

/* Text has next to no control characters; UTF-16 and UTF-32 are told by their BOM or their zeros. */
static bool detect_is_binary(const struct extract_doc *d)
{
	struct desk_str head = { (const char *)d->head, d->head_n };
	size_t control = 0, zero_even = 0, zero_odd = 0;

	if (extract_charset_bom(head) != NULL)
		return false;
	for (size_t i = 0; i < head.n; i++) {
		unsigned char c = d->head[i];

		if (c == 0)
			*(i % 2 == 0 ? &zero_even : &zero_odd) += 1;
		else if (c < 9 || (c > 13 && c < 32 && c != 27) || c == 127)
			control++;
	}
	if (zero_even + zero_odd > head.n / 5 &&
	    (zero_even > zero_odd * 20 || zero_odd > zero_even * 20))
		return control > head.n / 50;	/* UTF-16 without a BOM */
	return control + zero_even + zero_odd > head.n / 50 + 1;
}

/* Containers whose name alone tells what they are. */
static const char *detect_by_name(const struct extract_doc *d)
{
	if (extract_ext_in(d, " pages numbers key "))
		return "an Apple iWork file: export it as PDF or Office format and upload that";
	if (extract_ext_in(d, " xps oxps "))
		return "an XPS file: print it to PDF and upload that";
	return NULL;
}

const char *extract_refusal(const struct extract_doc *d)
{
	if (extract_zip_sniff(d) && detect_by_name(d) != NULL)
		return detect_by_name(d);
	if (d->head_n >= 8 && memcmp(d->head, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8) == 0)
		return detect_ole_kind(d);
	for (size_t i = 0; i < DESK_ARRAY_LEN(detect_magic); i++)
		if (d->head_n >= detect_magic[i].at + detect_magic[i].n &&
		    memcmp(d->head + detect_magic[i].at, detect_magic[i].magic,
			   detect_magic[i].n) == 0)
			return detect_magic[i].why;
	if (detect_is_binary(d))
		return "an unknown kind of binary file: save it as PDF, DOCX or text and upload again";
	return NULL;
}
