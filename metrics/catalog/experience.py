"""What customers say, and whether they come back."""

from __future__ import annotations

from typing import Final

from metrics.catalog.roles import NAMED_ON_IT, OWNERS
from metrics.declare import Conversion, Measure, Metric, Ratio, Settles, Unit

SALES_SURVEYS: Final = Measure(
    name="sales_surveys",
    label="Sales surveys",
    family="Experience",
    unit=Unit.COUNT,
    higher_is_better=True,
    fact="fct_survey",
    clock="answered_at",
    base=("is_about_sales",),
    credits=NAMED_ON_IT,
    description="Surveys about a purchase that customers answered in the period.",
)
_SALES_SCORES: Final = Measure(
    name="sales_scores",
    label="Sum of sales survey scores",
    family="Experience",
    unit=Unit.POINTS,
    fact="fct_survey",
    clock="answered_at",
    base=("is_about_sales",),
    measures="sum",
    column="score",
    credits=NAMED_ON_IT,
    description="All scores of the sales surveys answered in the period, added up.",
)
CSI_MEAN: Final = Ratio(
    name="csi_mean",
    label="CSI, mean score",
    family="Experience",
    unit=Unit.POINTS,
    higher_is_better=True,
    plus=(_SALES_SCORES,),
    per=(SALES_SURVEYS,),
    kept_apart="instrument",
    credits=NAMED_ON_IT,
    description="Mean score of the sales surveys answered in the period, on the survey's own scale. Two surveys are "
    "never put into one mean.",
)
CSI_TOP_BOX: Final = Conversion(
    name="csi_top_box",
    label="CSI, top box",
    family="Experience",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_survey",
    clock="answered_at",
    base=("is_about_sales",),
    converted="is_top_box",
    kept_apart="instrument",
    credits=NAMED_ON_IT,
    description="Of the sales surveys answered in the period, the share with the best score there is. Two surveys are "
    "never put into one share.",
)
SERVICE_SURVEYS: Final = Measure(
    name="service_surveys",
    label="Service surveys",
    family="Experience",
    unit=Unit.COUNT,
    higher_is_better=True,
    fact="fct_survey",
    clock="answered_at",
    base=("is_about_service",),
    credits=NAMED_ON_IT,
    description="Surveys about a visit to service that customers answered in the period.",
)
_SERVICE_SCORES: Final = Measure(
    name="service_scores",
    label="Sum of service survey scores",
    family="Experience",
    unit=Unit.POINTS,
    fact="fct_survey",
    clock="answered_at",
    base=("is_about_service",),
    measures="sum",
    column="score",
    credits=NAMED_ON_IT,
    description="All scores of the service surveys answered in the period, added up.",
)
SERVICE_CSI_MEAN: Final = Ratio(
    name="service_csi_mean",
    label="Service CSI, mean score",
    family="Experience",
    unit=Unit.POINTS,
    higher_is_better=True,
    plus=(_SERVICE_SCORES,),
    per=(SERVICE_SURVEYS,),
    kept_apart="instrument",
    credits=NAMED_ON_IT,
    description="Mean score of the service surveys answered in the period, on the survey's own scale. Two surveys are "
    "never put into one mean.",
)
SERVICE_CSI_TOP_BOX: Final = Conversion(
    name="service_csi_top_box",
    label="Service CSI, top box",
    family="Experience",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_survey",
    clock="answered_at",
    base=("is_about_service",),
    converted="is_top_box",
    kept_apart="instrument",
    credits=NAMED_ON_IT,
    description="Of the service surveys answered in the period, the share with the best score there is. Two surveys "
    "are never put into one share.",
)
SURVEY_RESPONSE_RATE: Final = Conversion(
    name="survey_response_rate",
    label="Survey response",
    family="Experience",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_sale",
    clock="sold_at",
    base=("is_counted", "has_survey_log"),
    converted="is_surveyed",
    settles=Settles(start="sold_at", days=30),
    credits=OWNERS,
    description="Of the cars sold in the period, the share whose buyer has answered a survey about the purchase, at "
    "stores that load any.",
)
REPEAT_SHARE: Final = Conversion(
    name="repeat_share",
    label="Repeat buyers",
    family="Experience",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_sale",
    clock="sold_at",
    base=("is_counted", "has_customer"),
    converted="is_repeat",
    credits=OWNERS,
    description="Of the cars sold in the period to customers we know, the share whose buyer had bought here on an "
    "earlier day. Only as far back as the data go.",
)
REFERRAL_SHARE: Final = Conversion(
    name="referral_share",
    label="Referrals",
    family="Experience",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_sale",
    clock="sold_at",
    base=("is_counted",),
    converted="is_referral",
    credits=OWNERS,
    description="Of the cars sold in the period, the share whose buyer came in by a referral.",
)
OWNERSHIP_INTERVAL: Final = Measure(
    name="ownership_interval",
    label="Time between purchases",
    family="Experience",
    unit=Unit.DAYS,
    fact="fct_sale",
    clock="sold_at",
    base=("is_counted", "is_repeat", "is_first_line"),
    column="seconds_owned",
    measures="median",
    description="Half of the buyers who came back in the period did so within this time of their last purchase.",
)

EXPERIENCE: Final[tuple[Metric, ...]] = (
    SALES_SURVEYS,
    CSI_MEAN,
    CSI_TOP_BOX,
    SERVICE_SURVEYS,
    SERVICE_CSI_MEAN,
    SERVICE_CSI_TOP_BOX,
    SURVEY_RESPONSE_RATE,
    REPEAT_SHARE,
    REFERRAL_SHARE,
    OWNERSHIP_INTERVAL,
)
