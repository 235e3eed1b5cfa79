"""Query parameters that track clicks and do not change the page.

The names that Brave, Firefox and ClearURLs remove from every address, as published by November 2026, and those of
campaigns (``utm_…`` and similar), which differ between newsletters and feeds. Not included: names that select content
on some blog, such as ``ref``, ``source`` or ``id``.
"""

import re

PREFIXES = (
    *("utm_", "mtm_", "matomo_", "pk_", "piwik_", "hsa_", "stm_", "itm_", "otm_", "oft_"),
    *("at_custom", "at_recipient_", "at_medium", "at_campaign", "ceneo_", "vn_", "os_ehash"),
)
NAMES = frozenset(
    """
    utm echobox gs_l tracking_source
    __hsfp __hssc __hstc __s __twitter_impression _bhlid _branch_match_id _branch_referrer _bta_c _bta_tid _ga
    _gl _hsenc _hsmi _ke _kx _openstat _sgm_campaign _sgm_source action_object_map action_ref_map
    action_type_map adobe_mc awc bbeml bsft_aaid bsft_clkid bsft_eid bsft_uid cjevent ck_subscriber_id cmpid
    cvid dclid dicbo dm_i ef_id elqtrack elqtrackid epik erid et_rid fb_action_ids fb_action_types fb_comment_id
    fb_ref fb_source fbadid fbclid ga_campaign ga_content ga_medium ga_place ga_source ga_term gad_campaignid
    gad_source gbraid gclid gclsrc gdffi gdfms gdftrk guccounter guce_referrer guce_referrer_sig hmb_campaign
    hmb_medium hmb_source hsctatracking igsh igshid irclickid irgwc li_fat_id mc_cid mc_eid mc_tc mibextid
    mindbox-click-id mindbox-message-key mkcid mkevt mkrid mkt_tok mkwid ml_subscriber ml_subscriber_hash
    msclkid msockid ndclid nr_email_referer obem oly_anon_id oly_enc_id pcrid qclid rb_clickid rdt_cid
    recommended_by ref_src ref_url rtid s_cid s_kwcid sc_customer sc_eh sc_uid sccid scclid sfmc_id sfmc_sub
    sms_click sms_source sms_uph spm srsltid ss_email_id tblci ttclid twclid unicorn_click_id vero_conv vero_id
    vgo_ee wbraid wickedid wickedsource wt.mc_id wt_mc wt_zmc wtrid xtor yclid ymclid ysclid
    """.split()  # noqa: SIM905
)
_KNOWN = re.compile(f"(?:{'|'.join(map(re.escape, PREFIXES))}).*|(?:{'|'.join(map(re.escape, sorted(NAMES)))})", re.I)


def is_tracking(name: str) -> bool:
    """Return whether a query parameter of this name does not change the page."""
    return _KNOWN.fullmatch(name) is not None
