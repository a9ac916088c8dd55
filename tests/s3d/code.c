/* The error codes of S3 that this server knows. Pure. */
#include "tests/s3d/code.h"

struct row {
    unsigned status;
    const char *name;
    const char *message;
};

static const struct row rows[CODE_COUNT] = {
    [CODE_OK] = {200, "", ""},
    [CODE_ACCESS_DENIED] = {403, "AccessDenied", "Access Denied"},
    [CODE_AUTHORIZATION_MALFORMED] = {400, "AuthorizationHeaderMalformed",
                                      "The authorization header you provided is invalid."},
    [CODE_BAD_DIGEST] = {400, "BadDigest",
                         "The digest or checksum you specified did not match what we received."},
    [CODE_BUCKET_EXISTS] = {409, "BucketAlreadyOwnedByYou",
                            "Your previous request to create the named bucket succeeded and you "
                            "already own it."},
    [CODE_BUCKET_NOT_EMPTY] = {409, "BucketNotEmpty",
                               "The bucket you tried to delete is not empty"},
    [CODE_CONTENT_SHA256_MISMATCH] = {400, "XAmzContentSHA256Mismatch",
                                      "The provided 'x-amz-content-sha256' header does not match "
                                      "what was computed."},
    [CODE_ENTITY_TOO_LARGE] = {400, "EntityTooLarge",
                               "Your proposed upload exceeds the maximum allowed size"},
    [CODE_ENTITY_TOO_SMALL] = {400, "EntityTooSmall",
                               "Your proposed upload is smaller than the minimum allowed size"},
    [CODE_EXPIRED_TOKEN] = {400, "ExpiredToken", "The provided token has expired."},
    [CODE_INCOMPLETE_BODY] = {400, "IncompleteBody",
                              "The request body terminated unexpectedly or is not as long as was "
                              "announced"},
    [CODE_INTERNAL_ERROR] = {500, "InternalError",
                             "We encountered an internal error. Please try again."},
    [CODE_INVALID_ACCESS_KEY] = {403, "InvalidAccessKeyId",
                                 "The AWS Access Key Id you provided does not exist in our "
                                 "records."},
    [CODE_INVALID_ARGUMENT] = {400, "InvalidArgument", "Invalid Argument"},
    [CODE_INVALID_BUCKET_NAME] = {400, "InvalidBucketName", "The specified bucket is not valid."},
    [CODE_INVALID_DIGEST] = {400, "InvalidDigest",
                             "The Content-MD5 or checksum you specified is not valid."},
    [CODE_INVALID_OBJECT_STATE] = {403, "InvalidObjectState",
                                   "The operation is not valid for the object's storage class"},
    [CODE_INVALID_PART] = {400, "InvalidPart",
                           "One or more of the specified parts could not be found, or its entity "
                           "tag or checksum might not have matched."},
    [CODE_INVALID_PART_ORDER] = {400, "InvalidPartOrder",
                                 "The list of parts was not in ascending order."},
    [CODE_INVALID_RANGE] = {416, "InvalidRange", "The requested range is not satisfiable"},
    [CODE_INVALID_REQUEST] = {400, "InvalidRequest", "Invalid Request"},
    [CODE_INVALID_STORAGE_CLASS] = {400, "InvalidStorageClass",
                                    "The storage class you specified is not valid"},
    [CODE_INVALID_TOKEN] = {400, "InvalidToken",
                            "The provided token is malformed or otherwise invalid."},
    [CODE_INVALID_URI] = {400, "InvalidURI", "Couldn't parse the specified URI."},
    [CODE_KEY_TOO_LONG] = {400, "KeyTooLongError", "Your key is too long"},
    [CODE_KMS_DISABLED] = {400, "KMS.DisabledException", "The KMS key is disabled."},
    [CODE_MALFORMED_TRAILER] = {400, "MalformedTrailerError",
                                "The request contained trailing data that was not well-formed."},
    [CODE_MALFORMED_XML] = {400, "MalformedXML",
                            "The XML you provided was not well-formed or did not validate against "
                            "our published schema"},
    [CODE_METADATA_TOO_LARGE] = {400, "MetadataTooLarge",
                                 "Your metadata headers exceed the maximum allowed metadata size"},
    [CODE_METHOD_NOT_ALLOWED] = {405, "MethodNotAllowed",
                                 "The specified method is not allowed against this resource."},
    [CODE_MISSING_CONTENT_LENGTH] = {411, "MissingContentLength",
                                     "You must provide the Content-Length HTTP header."},
    [CODE_MISSING_DIGEST] = {400, "InvalidRequest",
                             "Missing required header for this request: Content-MD5 or "
                             "x-amz-checksum-*"},
    [CODE_NO_SUCH_BUCKET] = {404, "NoSuchBucket", "The specified bucket does not exist"},
    [CODE_NO_SUCH_KEY] = {404, "NoSuchKey", "The specified key does not exist."},
    [CODE_NO_SUCH_UPLOAD] = {404, "NoSuchUpload",
                             "The specified multipart upload does not exist. The upload ID may be "
                             "invalid, or the upload may have been aborted or completed."},
    [CODE_NO_SUCH_VERSION] = {404, "NoSuchVersion", "The specified version does not exist."},
    [CODE_NOT_IMPLEMENTED] = {501, "NotImplemented",
                              "A header or parameter you provided implies functionality that is "
                              "not implemented"},
    [CODE_NOT_MODIFIED] = {304, "NotModified", "Not Modified"},
    [CODE_PERMANENT_REDIRECT] = {301, "PermanentRedirect",
                                 "The bucket you are attempting to access must be addressed using "
                                 "the specified endpoint."},
    [CODE_PRECONDITION_FAILED] = {412, "PreconditionFailed",
                                  "At least one of the pre-conditions you specified did not hold"},
    [CODE_QUOTA_EXCEEDED] = {403, "QuotaExceeded", "The quota of the bucket is used up."},
    [CODE_REQUEST_TIMEOUT] = {400, "RequestTimeout",
                              "Your socket connection to the server was not read from or written "
                              "to within the timeout period."},
    [CODE_REQUEST_TIME_SKEWED] = {403, "RequestTimeTooSkewed",
                                  "The difference between the request time and the current time is "
                                  "too large."},
    [CODE_SIGNATURE_MISMATCH] = {403, "SignatureDoesNotMatch",
                                 "The request signature we calculated does not match the signature "
                                 "you provided."},
    [CODE_TEMPORARY_REDIRECT] = {307, "TemporaryRedirect",
                                 "Please re-send this request to the specified temporary "
                                 "endpoint. Continue to use the original request endpoint for "
                                 "future requests."},
    [CODE_SLOW_DOWN] = {503, "SlowDown", "Please reduce your request rate."},
};

const char *code_name(enum code c)
{
    return rows[c].name;
}

const char *code_message(enum code c)
{
    return rows[c].message;
}

unsigned code_status(enum code c)
{
    return rows[c].status;
}
