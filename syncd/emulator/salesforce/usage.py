"""What the org has used of its limits: the rolling day's API calls and bulk work, long requests, the usage header."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from datetime import datetime, timedelta
from typing import Literal

from syncd.emulator.clock import Clock
from syncd.emulator.http import Reply
from syncd.emulator.salesforce.errors import refused

DAY = timedelta(hours=24)
DAILY_CALLS = 100_000
API, BATCHES, QUERY_JOBS = "DailyApiRequests", "DailyBulkApiBatches", "DailyBulkV2QueryJobs"
_GRAIN = 60.0  # seconds that are counted together

# what GET /limits names, with the maxima of an Enterprise org; a Developer org has smaller ones
LIMITS = {
    "AnalyticsExternalDataSizeMB": 40_960, "CdpAiInferenceApiMonthlyLimit": 500_000_000,
    "ConcurrentAsyncGetReportInstances": 200, "ConcurrentEinsteinDataInsightsStoryCreation": 5,
    "ConcurrentEinsteinDiscoveryStoryCreation": 2, "ConcurrentSyncReportRuns": 20,
    "ContentDistBandwidthLimitMB": 51_200, "ContentDistViewLimit": 50_000, "ContentPublicationLimit": 2_500,
    "DailyAnalyticsDataflowJobExecutions": 60, "DailyAnalyticsUploadedFilesSizeMB": 51_200,
    "DailyApexCursorLimit": 10_000, "DailyApexCursorRowsLimit": 100_000_000, "DailyApexPCursorLimit": 200_000,
    API: DAILY_CALLS, "DailyAsyncApexExecutions": 250_000, "DailyAsyncApexTests": 500, BATCHES: 15_000,
    "DailyBulkV2QueryFileStorageMB": 976_562, QUERY_JOBS: 10_000, "DailyDeliveredPlatformEvents": 10_000,
    "DailyDurableGenericStreamingApiEvents": 10_000, "DailyDurableStreamingApiEvents": 10_000,
    "DailyEinsteinDataInsightsStoryCreation": 1_000, "DailyEinsteinDiscoveryOptimizationJobRuns": 25,
    "DailyEinsteinDiscoveryPredictAPICalls": 50_000, "DailyEinsteinDiscoveryPredictionsByCDC": 500_000,
    "DailyEinsteinDiscoveryStoryCreation": 100, "DailyFunctionsApiCallLimit": 50_000,
    "DailyGenericStreamingApiEvents": 10_000, "DailyMetadataRetrievesWithDependencies": 25,
    "DailyServiceEmailAgentforceCalls": 5_000, "DailyStandardVolumePlatformEvents": 10_000,
    "DailyStreamingApiEvents": 10_000, "DailyWorkflowEmails": 8_040, "DataStorageMB": 1_024,
    "DurableStreamingApiConcurrentClients": 20, "ExternalServicesActiveObjects": 3_000,
    "ExternalServicesActiveOperations": 3_000, "ExternalServicesObjectProperties": 400_000,
    "ExternalServicesObjects": 10_000, "ExternalServicesOperations": 10_000, "ExternalServicesRegistrations": 700,
    "FileStorageMB": 1_024, "HourlyAsyncReportRuns": 1_200, "HourlyDashboardRefreshes": 200,
    "HourlyDashboardResults": 5_000, "HourlyDashboardStatuses": 999_999_999, "HourlyElevateAsyncReportRuns": 1_200,
    "HourlyElevateSyncReportRuns": 500, "HourlyLongTermIdMapping": 100_000,
    "HourlyManagedContentPublicRequests": 50_000, "HourlyODataCallout": 1_000, "HourlyPublishedPlatformEvents": 50_000,
    "HourlyPublishedStandardVolumePlatformEvents": 1_000, "HourlyShortTermIdMapping": 100_000,
    "HourlySyncReportRuns": 500, "HourlyTimeBasedWorkflow": 1_000, "MassEmail": 5_000,
    "MaxContentDocumentsLimit": 30_000_000, "MonthlyEinsteinDiscoveryStoryCreation": 500, "Package2VersionCreates": 6,
    "Package2VersionCreatesWithoutValidation": 500, "PermissionSets": 1_500,
    "PlatformEventTriggersWithParallelProcessing": 5,
    "PrivateConnectOutboundCalloutHourlyLimitMB": 0, "PublishCallbackUsageInApex": 5_242_880,
    "ScheduledFlowRunLimit": 250_000, "ScheduledPathRunLimit": 250_000, "SingleEmail": 5_000,
    "StreamingApiConcurrentClients": 20,
}  # fmt: skip


class Usage:
    """Counts by name over the last 24 hours, and what the org refuses because of them."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self._clock = clock
        self._dice = random.Random(f"usage {seed}")  # noqa: S311 (a seed, not a secret)
        self.limits = dict(LIMITS)
        self.per_app: Literal["absent", "present"] = "absent"
        self._counts: dict[str, deque[tuple[datetime, int]]] = defaultdict(deque)
        self._totals: dict[str, int] = defaultdict(int)
        self._long_until: datetime | None = None

    def count(self, name: str, by: int = 1) -> None:
        """Use something up."""
        now, counts = self._clock.now(), self._counts[name]
        self._totals[name] += by
        if counts and 0 <= (now - counts[-1][0]).total_seconds() < _GRAIN:
            since, so_far = counts.pop()
            counts.append((since, so_far + by))
        else:
            counts.append((now, by))

    def used(self, name: str) -> int:
        """How much was used in the last 24 hours."""
        counts, horizon = self._counts[name], self._clock.now() - DAY
        while counts and counts[0][0] <= horizon:
            self._totals[name] -= counts.popleft()[1]
        return self._totals[name]

    def left(self, name: str) -> int:
        """How much may still be used."""
        return max(0, self.limits[name] - self.used(name))

    def hold_long_requests(self, seconds: float) -> None:
        """For a while as many long requests run as may run at once."""
        self._long_until = self._clock.now() + timedelta(seconds=seconds)

    def admit(self) -> None:
        """Count one API call, or refuse it with 403 REQUEST_LIMIT_EXCEEDED."""
        if self._long_until is not None and self._clock.now() < self._long_until:
            message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
            raise refused(403, "REQUEST_LIMIT_EXCEEDED", message)
        if not self.left(API):
            raise refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self.count(API)

    def mark(self, reply: Reply) -> None:
        """Add Sforce-Limit-Info; its number trails the truth by a few calls and may step back."""
        lag = self._dice.randrange(4)
        used, most = self.used(API), self.limits[API]
        text = f"api-usage={max(min(used, 1), used - lag)}/{most}"
        if self.per_app == "present":
            text += f"; per-app-api-usage={used}/{most // 4}(appName=syncd)"
        reply.headers["Sforce-Limit-Info"] = text

    def report(self) -> dict[str, dict[str, object]]:
        """The body of GET /limits."""
        found: dict[str, dict[str, object]] = {
            name: {"Max": most, "Remaining": self.left(name)} for name, most in self.limits.items()
        }
        found["PermissionSets"]["CreateCustom"] = {"Max": 1_000, "Remaining": 1_000}
        return found
