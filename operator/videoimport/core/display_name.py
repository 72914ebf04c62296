"""The name of an import in a table: by its source, since its own name may mean little."""

from videoimport.api.short_names import file_of_url, host_of_url, shown_name
from videoimport.api.videoimport_source import VideoSource
from videoimport.api.videoimport_status import SourceStatus


def derive_display_name(source: VideoSource, found: SourceStatus | None) -> str | None:
    """The title that was found, else the file's name, else where the source is; None where nothing of it can be shown.
    At most api.short_names.MOST_SHOWN characters, without control characters, queries and user info."""
    known = (_find_title(found), found.filename or "") if found else ()
    return next((shown for text in (*known, _find_location(source)) if (shown := shown_name(text))), None)


def _find_title(found: SourceStatus) -> str:
    """Of a plain file the title is its name without the extension: then the name has more information."""
    title, file = found.title or "", found.filename or ""
    return "" if title and file.startswith(f"{title}.") else title


def _find_location(source: VideoSource) -> str:
    """The file's name as the spec has it; of a page, whose path ends in no file name, its host too."""
    if source.url is None:
        return source.address.rstrip("/").rpartition("/")[2]
    file, host = file_of_url(source.url), host_of_url(source.url)
    return file if "." in file else f"{host}/{file}" if file else host
