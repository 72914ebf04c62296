"""Tests of the worker's own suites that cannot pass with a store other than versitygw, and why."""

from collections.abc import Mapping

_NO_SHA256 = "It keeps no SHA-256"
_NO_ABORT = "It takes parts of an aborted upload"
_NO_KMS = "It encrypts only with a KMS, and its tags are ASCII"
_NO_KEYS = "It checks no keys"
_NO_DATES = "It does not report when an upload began"
_NO_TAGS = "It drops tags"
_NO_PARTS = "Its ListParts has no ETags"
_NO_UPLOADS = "It has no ListMultipartUploads"
_GONE_IS_500 = "It answers 500 to a part of an aborted upload"
_PART_AGAIN = "It refuses a part that is sent twice"
DEVIATIONS: Mapping[str, Mapping[str, str]] = {
    "rclone": {
        "test_upload.py::test_the_store_says_which_checksums_it_keeps": _NO_SHA256,
        "test_upload.py::test_nothing_is_visible_until_all_is_there[True]": _NO_SHA256,
        "test_upload.py::TestFromAnotherRun::test_parts_that_are_others_than_were_sent_are_not_shown": _PART_AGAIN,
        "test_upload.py::TestAGrowingFile::test_a_part_that_is_rewritten_after_it_left_goes_again": _PART_AGAIN,
        "test_upload.py::test_options_of_the_bucket_are_on_the_object": _NO_TAGS,
        "test_listing_bucket.py::test_folders_and_our_own_notes": "It keeps no object whose key ends with a slash",
    },
    "s3s-fs": {
        "test_upload.py::test_the_store_says_which_checksums_it_keeps": _NO_SHA256,
        "test_upload.py::test_nothing_is_visible_until_all_is_there[True]": _NO_SHA256,
        "test_upload.py::test_an_aborted_upload_is_gone": _NO_UPLOADS,
        "test_upload.py::test_an_upload_that_is_gone_is_begun_anew_while_its_file_grows": _NO_UPLOADS,
        "test_upload.py::TestFromAnotherRun::test_what_was_sent_is_shown_by_its_ticket": _NO_PARTS,
        "test_records.py::test_a_whole_intent_is_adopted": _NO_PARTS,
        "test_upload.py::TestAGrowingFile::test_a_part_that_is_refused_ends_it_at_once": _NO_ABORT,
        "test_upload.py::test_options_of_the_bucket_are_on_the_object": _NO_TAGS,
        "test_destination.py::TestBeforeAnyFetch::test_a_missing_bucket_ends_it": "It makes a missing bucket",
        "test_destination.py::TestLeftovers::test_those_in_the_note_are_taken_back": _NO_UPLOADS,
        "test_destination.py::TestLeftovers::test_another_imports_upload_at_the_same_key_stays": _NO_UPLOADS,
        "test_destination.py::TestLeftovers::test_a_stranger_s_upload_stays": _NO_UPLOADS,
        "test_destination.py::test_killed_between_upload_and_record_the_next_run_adopts": _NO_PARTS,
        "test_publish.py::test_a_refusal_after_something_was_replaced_leaves_the_rest_to_the_next_run": _NO_PARTS,
        "test_publish.py::test_two_imports_at_one_key_do_not_take_each_others_uploads_back": _NO_UPLOADS,
        "test_publish.py::test_an_upload_that_could_not_be_taken_back_is_not_forgotten": _NO_UPLOADS,
        "test_publish.py::test_two_files_never_travel_to_one_key": _NO_UPLOADS,
        "test_publish.py::test_ended_at_any_call_a_result_is_never_lost": _NO_PARTS,
    },
    "minio": {
        "test_upload.py::test_options_of_the_bucket_are_on_the_object": _NO_KMS,
    },
    "seaweedfs": {
        "test_upload.py::test_options_of_the_bucket_are_on_the_object": "It encrypts only with a key of its own",
    },
    "moto": {
        "test_destination.py::TestBeforeAnyFetch::test_wrong_keys_end_it[keys2": _NO_KEYS,
        "test_destination.py::TestBeforeAnyFetch::test_wrong_keys_end_it[keys3": _NO_KEYS,
        "test_source_s3.py::test_keys_that_do_not_fit[keys2": _NO_KEYS,
        "test_listing_bucket.py::test_what_is_wrong_with_a_bucket_is_the_reason": _NO_KEYS,
        "test_destination.py::TestLeftovers::test_one_whose_id_nobody_had_the_time_to_note_is_ours": _NO_DATES,
        "test_publish.py::test_what_the_store_does_not_tell_now_is_not_forgotten[bucket]": _NO_DATES,
        "test_upload.py::test_nothing_is_visible_until_all_is_there[True]": "Its composite SHA-256 has no `-N`",
        "test_upload.py::test_an_upload_that_is_gone_is_begun_anew_while_its_file_grows": _GONE_IS_500,
    },
}
"""By store: parts of the ids of tests of the other suites that cannot pass there, and why. They must fail."""
