// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0
#include "CBundledPacks.h"

// Clang embeds in every C mode; it only remarks that C23 made it standard.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t asthma_asthma_cql[] = {
#embed "../VigilPacks/Packs/asthma/asthma.cql"
};
static const uint8_t asthma_cases_care[] = {
#embed "../VigilPacks/Packs/asthma/cases/care.yaml"
};
static const uint8_t asthma_cases_relievers[] = {
#embed "../VigilPacks/Packs/asthma/cases/relievers.yaml"
};
static const uint8_t asthma_ast[] = {
#embed "../VigilPacks/Packs/asthma/codelists/ast.csv"
};
static const uint8_t asthma_ast_res[] = {
#embed "../VigilPacks/Packs/asthma/codelists/ast_res.csv"
};
static const uint8_t asthma_asthma_admission[] = {
#embed "../VigilPacks/Packs/asthma/codelists/asthma-admission.csv"
};
static const uint8_t asthma_best_pef[] = {
#embed "../VigilPacks/Packs/asthma/codelists/best-pef.csv"
};
static const uint8_t asthma_holidays[] = {
#embed "../VigilPacks/Packs/asthma/codelists/holidays.csv"
};
static const uint8_t asthma_ics[] = {
#embed "../VigilPacks/Packs/asthma/codelists/ics.csv"
};
static const uint8_t asthma_laba[] = {
#embed "../VigilPacks/Packs/asthma/codelists/laba.csv"
};
static const uint8_t asthma_ocs[] = {
#embed "../VigilPacks/Packs/asthma/codelists/ocs.csv"
};
static const uint8_t asthma_pef[] = {
#embed "../VigilPacks/Packs/asthma/codelists/pef.csv"
};
static const uint8_t asthma_review[] = {
#embed "../VigilPacks/Packs/asthma/codelists/review.csv"
};
static const uint8_t asthma_saba[] = {
#embed "../VigilPacks/Packs/asthma/codelists/saba.csv"
};
static const uint8_t asthma_pack[] = {
#embed "../VigilPacks/Packs/asthma/pack.yaml"
};
static const uint8_t deterioration_cases_news2[] = {
#embed "../VigilPacks/Packs/deterioration/cases/news2.yaml"
};
static const uint8_t deterioration_alert[] = {
#embed "../VigilPacks/Packs/deterioration/codelists/alert.csv"
};
static const uint8_t deterioration_confusion[] = {
#embed "../VigilPacks/Packs/deterioration/codelists/confusion.csv"
};
static const uint8_t deterioration_inspired_oxygen[] = {
#embed "../VigilPacks/Packs/deterioration/codelists/inspired-oxygen.csv"
};
static const uint8_t deterioration_on_oxygen[] = {
#embed "../VigilPacks/Packs/deterioration/codelists/on-oxygen.csv"
};
static const uint8_t deterioration_oxygen_flow[] = {
#embed "../VigilPacks/Packs/deterioration/codelists/oxygen-flow.csv"
};
static const uint8_t deterioration_pain[] = {
#embed "../VigilPacks/Packs/deterioration/codelists/pain.csv"
};
static const uint8_t deterioration_pregnancy[] = {
#embed "../VigilPacks/Packs/deterioration/codelists/pregnancy.csv"
};
static const uint8_t deterioration_pulse[] = {
#embed "../VigilPacks/Packs/deterioration/codelists/pulse.csv"
};
static const uint8_t deterioration_respiratory_rate[] = {
#embed "../VigilPacks/Packs/deterioration/codelists/respiratory-rate.csv"
};
static const uint8_t deterioration_room_air[] = {
#embed "../VigilPacks/Packs/deterioration/codelists/room-air.csv"
};
static const uint8_t deterioration_spo2_scale_1[] = {
#embed "../VigilPacks/Packs/deterioration/codelists/spo2-scale-1.csv"
};
static const uint8_t deterioration_spo2_scale_2[] = {
#embed "../VigilPacks/Packs/deterioration/codelists/spo2-scale-2.csv"
};
static const uint8_t deterioration_spo2[] = {
#embed "../VigilPacks/Packs/deterioration/codelists/spo2.csv"
};
static const uint8_t deterioration_systolic[] = {
#embed "../VigilPacks/Packs/deterioration/codelists/systolic.csv"
};
static const uint8_t deterioration_temperature[] = {
#embed "../VigilPacks/Packs/deterioration/codelists/temperature.csv"
};
static const uint8_t deterioration_unresponsive[] = {
#embed "../VigilPacks/Packs/deterioration/codelists/unresponsive.csv"
};
static const uint8_t deterioration_voice[] = {
#embed "../VigilPacks/Packs/deterioration/codelists/voice.csv"
};
static const uint8_t deterioration_deterioration_cql[] = {
#embed "../VigilPacks/Packs/deterioration/deterioration.cql"
};
static const uint8_t deterioration_pack[] = {
#embed "../VigilPacks/Packs/deterioration/pack.yaml"
};
static const uint8_t endotype_cases_pointers[] = {
#embed "../VigilPacks/Packs/endotype/cases/pointers.yaml"
};
static const uint8_t endotype_abpm[] = {
#embed "../VigilPacks/Packs/endotype/codelists/abpm.csv"
};
static const uint8_t endotype_ast[] = {
#embed "../VigilPacks/Packs/endotype/codelists/ast.csv"
};
static const uint8_t endotype_ast_res[] = {
#embed "../VigilPacks/Packs/endotype/codelists/ast_res.csv"
};
static const uint8_t endotype_asthma_admission[] = {
#embed "../VigilPacks/Packs/endotype/codelists/asthma-admission.csv"
};
static const uint8_t endotype_biologic[] = {
#embed "../VigilPacks/Packs/endotype/codelists/biologic.csv"
};
static const uint8_t endotype_controller[] = {
#embed "../VigilPacks/Packs/endotype/codelists/controller.csv"
};
static const uint8_t endotype_eosinophils[] = {
#embed "../VigilPacks/Packs/endotype/codelists/eosinophils.csv"
};
static const uint8_t endotype_feno[] = {
#embed "../VigilPacks/Packs/endotype/codelists/feno.csv"
};
static const uint8_t endotype_ics_high[] = {
#embed "../VigilPacks/Packs/endotype/codelists/ics-high.csv"
};
static const uint8_t endotype_ics[] = {
#embed "../VigilPacks/Packs/endotype/codelists/ics.csv"
};
static const uint8_t endotype_ige_asthma[] = {
#embed "../VigilPacks/Packs/endotype/codelists/ige-asthma.csv"
};
static const uint8_t endotype_nasal_polyps[] = {
#embed "../VigilPacks/Packs/endotype/codelists/nasal-polyps.csv"
};
static const uint8_t endotype_nsaid_reaction[] = {
#embed "../VigilPacks/Packs/endotype/codelists/nsaid-reaction.csv"
};
static const uint8_t endotype_ocs[] = {
#embed "../VigilPacks/Packs/endotype/codelists/ocs.csv"
};
static const uint8_t endotype_saba[] = {
#embed "../VigilPacks/Packs/endotype/codelists/saba.csv"
};
static const uint8_t endotype_endotype_cql[] = {
#embed "../VigilPacks/Packs/endotype/endotype.cql"
};
static const uint8_t endotype_pack[] = {
#embed "../VigilPacks/Packs/endotype/pack.yaml"
};
static const uint8_t home_monitoring_cases_home[] = {
#embed "../VigilPacks/Packs/home-monitoring/cases/home.yaml"
};
static const uint8_t home_monitoring_cgm_ended[] = {
#embed "../VigilPacks/Packs/home-monitoring/codelists/cgm-ended.csv"
};
static const uint8_t home_monitoring_cgm[] = {
#embed "../VigilPacks/Packs/home-monitoring/codelists/cgm.csv"
};
static const uint8_t home_monitoring_crisis_symptom[] = {
#embed "../VigilPacks/Packs/home-monitoring/codelists/crisis-symptom.csv"
};
static const uint8_t home_monitoring_diastolic[] = {
#embed "../VigilPacks/Packs/home-monitoring/codelists/diastolic.csv"
};
static const uint8_t home_monitoring_hf[] = {
#embed "../VigilPacks/Packs/home-monitoring/codelists/hf.csv"
};
static const uint8_t home_monitoring_hypercapnia[] = {
#embed "../VigilPacks/Packs/home-monitoring/codelists/hypercapnia.csv"
};
static const uint8_t home_monitoring_lung_disease[] = {
#embed "../VigilPacks/Packs/home-monitoring/codelists/lung-disease.csv"
};
static const uint8_t home_monitoring_spo2_target_88_92[] = {
#embed "../VigilPacks/Packs/home-monitoring/codelists/spo2-target-88-92.csv"
};
static const uint8_t home_monitoring_spo2[] = {
#embed "../VigilPacks/Packs/home-monitoring/codelists/spo2.csv"
};
static const uint8_t home_monitoring_systolic[] = {
#embed "../VigilPacks/Packs/home-monitoring/codelists/systolic.csv"
};
static const uint8_t home_monitoring_weight[] = {
#embed "../VigilPacks/Packs/home-monitoring/codelists/weight.csv"
};
static const uint8_t home_monitoring_home_monitoring_cql[] = {
#embed "../VigilPacks/Packs/home-monitoring/home-monitoring.cql"
};
static const uint8_t home_monitoring_pack[] = {
#embed "../VigilPacks/Packs/home-monitoring/pack.yaml"
};
static const uint8_t kidney_cases_injury[] = {
#embed "../VigilPacks/Packs/kidney/cases/injury.yaml"
};
static const uint8_t kidney_creatinine[] = {
#embed "../VigilPacks/Packs/kidney/codelists/creatinine.csv"
};
static const uint8_t kidney_dialysis[] = {
#embed "../VigilPacks/Packs/kidney/codelists/dialysis.csv"
};
static const uint8_t kidney_kidney_cql[] = {
#embed "../VigilPacks/Packs/kidney/kidney.cql"
};
static const uint8_t kidney_pack[] = {
#embed "../VigilPacks/Packs/kidney/pack.yaml"
};
static const uint8_t pincer_audit_cases_audit[] = {
#embed "../VigilPacks/Packs/pincer-audit/cases/audit.yaml"
};
static const uint8_t pincer_audit_acei[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/acei.csv"
};
static const uint8_t pincer_audit_amio[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/amio.csv"
};
static const uint8_t pincer_audit_anticoag[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/anticoag.csv"
};
static const uint8_t pincer_audit_antiplat[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/antiplat.csv"
};
static const uint8_t pincer_audit_aspirin[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/aspirin.csv"
};
static const uint8_t pincer_audit_ast[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/ast.csv"
};
static const uint8_t pincer_audit_ast_res[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/ast_res.csv"
};
static const uint8_t pincer_audit_diur[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/diur.csv"
};
static const uint8_t pincer_audit_egfr[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/egfr.csv"
};
static const uint8_t pincer_audit_electro[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/electro.csv"
};
static const uint8_t pincer_audit_fbc[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/fbc.csv"
};
static const uint8_t pincer_audit_gi_bleed[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/gi_bleed.csv"
};
static const uint8_t pincer_audit_hf[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/hf.csv"
};
static const uint8_t pincer_audit_lft[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/lft.csv"
};
static const uint8_t pincer_audit_lith[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/lith.csv"
};
static const uint8_t pincer_audit_lith_lev[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/lith_lev.csv"
};
static const uint8_t pincer_audit_met[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/met.csv"
};
static const uint8_t pincer_audit_non_asp_antiplate[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/non_asp_antiplate.csv"
};
static const uint8_t pincer_audit_nsaid[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/nsaid.csv"
};
static const uint8_t pincer_audit_nsbb[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/nsbb.csv"
};
static const uint8_t pincer_audit_pep[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/pep.csv"
};
static const uint8_t pincer_audit_ppi[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/ppi.csv"
};
static const uint8_t pincer_audit_renal[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/renal.csv"
};
static const uint8_t pincer_audit_tft[] = {
#embed "../VigilPacks/Packs/pincer-audit/codelists/tft.csv"
};
static const uint8_t pincer_audit_pack[] = {
#embed "../VigilPacks/Packs/pincer-audit/pack.yaml"
};
static const uint8_t pincer_audit_pincer_audit_cql[] = {
#embed "../VigilPacks/Packs/pincer-audit/pincer-audit.cql"
};
static const uint8_t pincer_cases_asthma_heart[] = {
#embed "../VigilPacks/Packs/pincer/cases/asthma-heart.yaml"
};
static const uint8_t pincer_cases_gastroprotection[] = {
#embed "../VigilPacks/Packs/pincer/cases/gastroprotection.yaml"
};
static const uint8_t pincer_cases_kidney[] = {
#embed "../VigilPacks/Packs/pincer/cases/kidney.yaml"
};
static const uint8_t pincer_cases_monitoring[] = {
#embed "../VigilPacks/Packs/pincer/cases/monitoring.yaml"
};
static const uint8_t pincer_cases_windows[] = {
#embed "../VigilPacks/Packs/pincer/cases/windows.yaml"
};
static const uint8_t pincer_acei[] = {
#embed "../VigilPacks/Packs/pincer/codelists/acei.csv"
};
static const uint8_t pincer_amio[] = {
#embed "../VigilPacks/Packs/pincer/codelists/amio.csv"
};
static const uint8_t pincer_anticoag[] = {
#embed "../VigilPacks/Packs/pincer/codelists/anticoag.csv"
};
static const uint8_t pincer_antiplat[] = {
#embed "../VigilPacks/Packs/pincer/codelists/antiplat.csv"
};
static const uint8_t pincer_aspirin[] = {
#embed "../VigilPacks/Packs/pincer/codelists/aspirin.csv"
};
static const uint8_t pincer_ast[] = {
#embed "../VigilPacks/Packs/pincer/codelists/ast.csv"
};
static const uint8_t pincer_ast_res[] = {
#embed "../VigilPacks/Packs/pincer/codelists/ast_res.csv"
};
static const uint8_t pincer_diur[] = {
#embed "../VigilPacks/Packs/pincer/codelists/diur.csv"
};
static const uint8_t pincer_egfr[] = {
#embed "../VigilPacks/Packs/pincer/codelists/egfr.csv"
};
static const uint8_t pincer_electro[] = {
#embed "../VigilPacks/Packs/pincer/codelists/electro.csv"
};
static const uint8_t pincer_fbc[] = {
#embed "../VigilPacks/Packs/pincer/codelists/fbc.csv"
};
static const uint8_t pincer_gi_bleed[] = {
#embed "../VigilPacks/Packs/pincer/codelists/gi_bleed.csv"
};
static const uint8_t pincer_hf[] = {
#embed "../VigilPacks/Packs/pincer/codelists/hf.csv"
};
static const uint8_t pincer_ics[] = {
#embed "../VigilPacks/Packs/pincer/codelists/ics.csv"
};
static const uint8_t pincer_laba[] = {
#embed "../VigilPacks/Packs/pincer/codelists/laba.csv"
};
static const uint8_t pincer_lft[] = {
#embed "../VigilPacks/Packs/pincer/codelists/lft.csv"
};
static const uint8_t pincer_lith[] = {
#embed "../VigilPacks/Packs/pincer/codelists/lith.csv"
};
static const uint8_t pincer_lith_lev[] = {
#embed "../VigilPacks/Packs/pincer/codelists/lith_lev.csv"
};
static const uint8_t pincer_met[] = {
#embed "../VigilPacks/Packs/pincer/codelists/met.csv"
};
static const uint8_t pincer_non_asp_antiplate[] = {
#embed "../VigilPacks/Packs/pincer/codelists/non_asp_antiplate.csv"
};
static const uint8_t pincer_nsaid[] = {
#embed "../VigilPacks/Packs/pincer/codelists/nsaid.csv"
};
static const uint8_t pincer_nsbb[] = {
#embed "../VigilPacks/Packs/pincer/codelists/nsbb.csv"
};
static const uint8_t pincer_pep[] = {
#embed "../VigilPacks/Packs/pincer/codelists/pep.csv"
};
static const uint8_t pincer_ppi[] = {
#embed "../VigilPacks/Packs/pincer/codelists/ppi.csv"
};
static const uint8_t pincer_renal[] = {
#embed "../VigilPacks/Packs/pincer/codelists/renal.csv"
};
static const uint8_t pincer_tft[] = {
#embed "../VigilPacks/Packs/pincer/codelists/tft.csv"
};
static const uint8_t pincer_ue_panel[] = {
#embed "../VigilPacks/Packs/pincer/codelists/ue_panel.csv"
};
static const uint8_t pincer_pack[] = {
#embed "../VigilPacks/Packs/pincer/pack.yaml"
};
static const uint8_t pincer_pincer_cql[] = {
#embed "../VigilPacks/Packs/pincer/pincer.cql"
};
static const uint8_t prescribing_safety_cases_conditions[] = {
#embed "../VigilPacks/Packs/prescribing-safety/cases/conditions.yaml"
};
static const uint8_t prescribing_safety_cases_doses[] = {
#embed "../VigilPacks/Packs/prescribing-safety/cases/doses.yaml"
};
static const uint8_t prescribing_safety_cases_interactions[] = {
#embed "../VigilPacks/Packs/prescribing-safety/cases/interactions.yaml"
};
static const uint8_t prescribing_safety_cases_monitoring[] = {
#embed "../VigilPacks/Packs/prescribing-safety/cases/monitoring.yaml"
};
static const uint8_t prescribing_safety_acei[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/acei.csv"
};
static const uint8_t prescribing_safety_aldosterone[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/aldosterone.csv"
};
static const uint8_t prescribing_safety_antiplat[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/antiplat.csv"
};
static const uint8_t prescribing_safety_antipsychotic[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/antipsychotic.csv"
};
static const uint8_t prescribing_safety_coc[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/coc.csv"
};
static const uint8_t prescribing_safety_creatinine[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/creatinine.csv"
};
static const uint8_t prescribing_safety_dementia[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/dementia.csv"
};
static const uint8_t prescribing_safety_diur[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/diur.csv"
};
static const uint8_t prescribing_safety_doac[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/doac.csv"
};
static const uint8_t prescribing_safety_egfr[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/egfr.csv"
};
static const uint8_t prescribing_safety_hf[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/hf.csv"
};
static const uint8_t prescribing_safety_inr[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/inr.csv"
};
static const uint8_t prescribing_safety_ksparing[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/ksparing.csv"
};
static const uint8_t prescribing_safety_lith[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/lith.csv"
};
static const uint8_t prescribing_safety_met[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/met.csv"
};
static const uint8_t prescribing_safety_metformin[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/metformin.csv"
};
static const uint8_t prescribing_safety_mtx10[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/mtx10.csv"
};
static const uint8_t prescribing_safety_nsaid[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/nsaid.csv"
};
static const uint8_t prescribing_safety_opioid[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/opioid.csv"
};
static const uint8_t prescribing_safety_potassium[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/potassium.csv"
};
static const uint8_t prescribing_safety_ppi[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/ppi.csv"
};
static const uint8_t prescribing_safety_psychosis[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/psychosis.csv"
};
static const uint8_t prescribing_safety_ratelimiting[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/ratelimiting.csv"
};
static const uint8_t prescribing_safety_ssri[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/ssri.csv"
};
static const uint8_t prescribing_safety_thiazide[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/thiazide.csv"
};
static const uint8_t prescribing_safety_thrombosis[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/thrombosis.csv"
};
static const uint8_t prescribing_safety_trimethoprim[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/trimethoprim.csv"
};
static const uint8_t prescribing_safety_ue[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/ue.csv"
};
static const uint8_t prescribing_safety_valproate[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/valproate.csv"
};
static const uint8_t prescribing_safety_valproateform[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/valproateform.csv"
};
static const uint8_t prescribing_safety_valproatestart[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/valproatestart.csv"
};
static const uint8_t prescribing_safety_warfarin[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/warfarin.csv"
};
static const uint8_t prescribing_safety_weight[] = {
#embed "../VigilPacks/Packs/prescribing-safety/codelists/weight.csv"
};
static const uint8_t prescribing_safety_pack[] = {
#embed "../VigilPacks/Packs/prescribing-safety/pack.yaml"
};
static const uint8_t prescribing_safety_prescribing_safety_cql[] = {
#embed "../VigilPacks/Packs/prescribing-safety/prescribing-safety.cql"
};

#define FILE_OF(name, bytes) {name, bytes, sizeof bytes}

static const struct vigil_bundled_file files[] = {
    FILE_OF("asthma/asthma.cql", asthma_asthma_cql),
    FILE_OF("asthma/cases/care.yaml", asthma_cases_care),
    FILE_OF("asthma/cases/relievers.yaml", asthma_cases_relievers),
    FILE_OF("asthma/codelists/ast.csv", asthma_ast),
    FILE_OF("asthma/codelists/ast_res.csv", asthma_ast_res),
    FILE_OF("asthma/codelists/asthma-admission.csv", asthma_asthma_admission),
    FILE_OF("asthma/codelists/best-pef.csv", asthma_best_pef),
    FILE_OF("asthma/codelists/holidays.csv", asthma_holidays),
    FILE_OF("asthma/codelists/ics.csv", asthma_ics),
    FILE_OF("asthma/codelists/laba.csv", asthma_laba),
    FILE_OF("asthma/codelists/ocs.csv", asthma_ocs),
    FILE_OF("asthma/codelists/pef.csv", asthma_pef),
    FILE_OF("asthma/codelists/review.csv", asthma_review),
    FILE_OF("asthma/codelists/saba.csv", asthma_saba),
    FILE_OF("asthma/pack.yaml", asthma_pack),
    FILE_OF("deterioration/cases/news2.yaml", deterioration_cases_news2),
    FILE_OF("deterioration/codelists/alert.csv", deterioration_alert),
    FILE_OF("deterioration/codelists/confusion.csv", deterioration_confusion),
    FILE_OF("deterioration/codelists/inspired-oxygen.csv", deterioration_inspired_oxygen),
    FILE_OF("deterioration/codelists/on-oxygen.csv", deterioration_on_oxygen),
    FILE_OF("deterioration/codelists/oxygen-flow.csv", deterioration_oxygen_flow),
    FILE_OF("deterioration/codelists/pain.csv", deterioration_pain),
    FILE_OF("deterioration/codelists/pregnancy.csv", deterioration_pregnancy),
    FILE_OF("deterioration/codelists/pulse.csv", deterioration_pulse),
    FILE_OF("deterioration/codelists/respiratory-rate.csv", deterioration_respiratory_rate),
    FILE_OF("deterioration/codelists/room-air.csv", deterioration_room_air),
    FILE_OF("deterioration/codelists/spo2-scale-1.csv", deterioration_spo2_scale_1),
    FILE_OF("deterioration/codelists/spo2-scale-2.csv", deterioration_spo2_scale_2),
    FILE_OF("deterioration/codelists/spo2.csv", deterioration_spo2),
    FILE_OF("deterioration/codelists/systolic.csv", deterioration_systolic),
    FILE_OF("deterioration/codelists/temperature.csv", deterioration_temperature),
    FILE_OF("deterioration/codelists/unresponsive.csv", deterioration_unresponsive),
    FILE_OF("deterioration/codelists/voice.csv", deterioration_voice),
    FILE_OF("deterioration/deterioration.cql", deterioration_deterioration_cql),
    FILE_OF("deterioration/pack.yaml", deterioration_pack),
    FILE_OF("endotype/cases/pointers.yaml", endotype_cases_pointers),
    FILE_OF("endotype/codelists/abpm.csv", endotype_abpm),
    FILE_OF("endotype/codelists/ast.csv", endotype_ast),
    FILE_OF("endotype/codelists/ast_res.csv", endotype_ast_res),
    FILE_OF("endotype/codelists/asthma-admission.csv", endotype_asthma_admission),
    FILE_OF("endotype/codelists/biologic.csv", endotype_biologic),
    FILE_OF("endotype/codelists/controller.csv", endotype_controller),
    FILE_OF("endotype/codelists/eosinophils.csv", endotype_eosinophils),
    FILE_OF("endotype/codelists/feno.csv", endotype_feno),
    FILE_OF("endotype/codelists/ics-high.csv", endotype_ics_high),
    FILE_OF("endotype/codelists/ics.csv", endotype_ics),
    FILE_OF("endotype/codelists/ige-asthma.csv", endotype_ige_asthma),
    FILE_OF("endotype/codelists/nasal-polyps.csv", endotype_nasal_polyps),
    FILE_OF("endotype/codelists/nsaid-reaction.csv", endotype_nsaid_reaction),
    FILE_OF("endotype/codelists/ocs.csv", endotype_ocs),
    FILE_OF("endotype/codelists/saba.csv", endotype_saba),
    FILE_OF("endotype/endotype.cql", endotype_endotype_cql),
    FILE_OF("endotype/pack.yaml", endotype_pack),
    FILE_OF("home-monitoring/cases/home.yaml", home_monitoring_cases_home),
    FILE_OF("home-monitoring/codelists/cgm-ended.csv", home_monitoring_cgm_ended),
    FILE_OF("home-monitoring/codelists/cgm.csv", home_monitoring_cgm),
    FILE_OF("home-monitoring/codelists/crisis-symptom.csv", home_monitoring_crisis_symptom),
    FILE_OF("home-monitoring/codelists/diastolic.csv", home_monitoring_diastolic),
    FILE_OF("home-monitoring/codelists/hf.csv", home_monitoring_hf),
    FILE_OF("home-monitoring/codelists/hypercapnia.csv", home_monitoring_hypercapnia),
    FILE_OF("home-monitoring/codelists/lung-disease.csv", home_monitoring_lung_disease),
    FILE_OF("home-monitoring/codelists/spo2-target-88-92.csv", home_monitoring_spo2_target_88_92),
    FILE_OF("home-monitoring/codelists/spo2.csv", home_monitoring_spo2),
    FILE_OF("home-monitoring/codelists/systolic.csv", home_monitoring_systolic),
    FILE_OF("home-monitoring/codelists/weight.csv", home_monitoring_weight),
    FILE_OF("home-monitoring/home-monitoring.cql", home_monitoring_home_monitoring_cql),
    FILE_OF("home-monitoring/pack.yaml", home_monitoring_pack),
    FILE_OF("kidney/cases/injury.yaml", kidney_cases_injury),
    FILE_OF("kidney/codelists/creatinine.csv", kidney_creatinine),
    FILE_OF("kidney/codelists/dialysis.csv", kidney_dialysis),
    FILE_OF("kidney/kidney.cql", kidney_kidney_cql),
    FILE_OF("kidney/pack.yaml", kidney_pack),
    FILE_OF("pincer-audit/cases/audit.yaml", pincer_audit_cases_audit),
    FILE_OF("pincer-audit/codelists/acei.csv", pincer_audit_acei),
    FILE_OF("pincer-audit/codelists/amio.csv", pincer_audit_amio),
    FILE_OF("pincer-audit/codelists/anticoag.csv", pincer_audit_anticoag),
    FILE_OF("pincer-audit/codelists/antiplat.csv", pincer_audit_antiplat),
    FILE_OF("pincer-audit/codelists/aspirin.csv", pincer_audit_aspirin),
    FILE_OF("pincer-audit/codelists/ast.csv", pincer_audit_ast),
    FILE_OF("pincer-audit/codelists/ast_res.csv", pincer_audit_ast_res),
    FILE_OF("pincer-audit/codelists/diur.csv", pincer_audit_diur),
    FILE_OF("pincer-audit/codelists/egfr.csv", pincer_audit_egfr),
    FILE_OF("pincer-audit/codelists/electro.csv", pincer_audit_electro),
    FILE_OF("pincer-audit/codelists/fbc.csv", pincer_audit_fbc),
    FILE_OF("pincer-audit/codelists/gi_bleed.csv", pincer_audit_gi_bleed),
    FILE_OF("pincer-audit/codelists/hf.csv", pincer_audit_hf),
    FILE_OF("pincer-audit/codelists/lft.csv", pincer_audit_lft),
    FILE_OF("pincer-audit/codelists/lith.csv", pincer_audit_lith),
    FILE_OF("pincer-audit/codelists/lith_lev.csv", pincer_audit_lith_lev),
    FILE_OF("pincer-audit/codelists/met.csv", pincer_audit_met),
    FILE_OF("pincer-audit/codelists/non_asp_antiplate.csv", pincer_audit_non_asp_antiplate),
    FILE_OF("pincer-audit/codelists/nsaid.csv", pincer_audit_nsaid),
    FILE_OF("pincer-audit/codelists/nsbb.csv", pincer_audit_nsbb),
    FILE_OF("pincer-audit/codelists/pep.csv", pincer_audit_pep),
    FILE_OF("pincer-audit/codelists/ppi.csv", pincer_audit_ppi),
    FILE_OF("pincer-audit/codelists/renal.csv", pincer_audit_renal),
    FILE_OF("pincer-audit/codelists/tft.csv", pincer_audit_tft),
    FILE_OF("pincer-audit/pack.yaml", pincer_audit_pack),
    FILE_OF("pincer-audit/pincer-audit.cql", pincer_audit_pincer_audit_cql),
    FILE_OF("pincer/cases/asthma-heart.yaml", pincer_cases_asthma_heart),
    FILE_OF("pincer/cases/gastroprotection.yaml", pincer_cases_gastroprotection),
    FILE_OF("pincer/cases/kidney.yaml", pincer_cases_kidney),
    FILE_OF("pincer/cases/monitoring.yaml", pincer_cases_monitoring),
    FILE_OF("pincer/cases/windows.yaml", pincer_cases_windows),
    FILE_OF("pincer/codelists/acei.csv", pincer_acei),
    FILE_OF("pincer/codelists/amio.csv", pincer_amio),
    FILE_OF("pincer/codelists/anticoag.csv", pincer_anticoag),
    FILE_OF("pincer/codelists/antiplat.csv", pincer_antiplat),
    FILE_OF("pincer/codelists/aspirin.csv", pincer_aspirin),
    FILE_OF("pincer/codelists/ast.csv", pincer_ast),
    FILE_OF("pincer/codelists/ast_res.csv", pincer_ast_res),
    FILE_OF("pincer/codelists/diur.csv", pincer_diur),
    FILE_OF("pincer/codelists/egfr.csv", pincer_egfr),
    FILE_OF("pincer/codelists/electro.csv", pincer_electro),
    FILE_OF("pincer/codelists/fbc.csv", pincer_fbc),
    FILE_OF("pincer/codelists/gi_bleed.csv", pincer_gi_bleed),
    FILE_OF("pincer/codelists/hf.csv", pincer_hf),
    FILE_OF("pincer/codelists/ics.csv", pincer_ics),
    FILE_OF("pincer/codelists/laba.csv", pincer_laba),
    FILE_OF("pincer/codelists/lft.csv", pincer_lft),
    FILE_OF("pincer/codelists/lith.csv", pincer_lith),
    FILE_OF("pincer/codelists/lith_lev.csv", pincer_lith_lev),
    FILE_OF("pincer/codelists/met.csv", pincer_met),
    FILE_OF("pincer/codelists/non_asp_antiplate.csv", pincer_non_asp_antiplate),
    FILE_OF("pincer/codelists/nsaid.csv", pincer_nsaid),
    FILE_OF("pincer/codelists/nsbb.csv", pincer_nsbb),
    FILE_OF("pincer/codelists/pep.csv", pincer_pep),
    FILE_OF("pincer/codelists/ppi.csv", pincer_ppi),
    FILE_OF("pincer/codelists/renal.csv", pincer_renal),
    FILE_OF("pincer/codelists/tft.csv", pincer_tft),
    FILE_OF("pincer/codelists/ue_panel.csv", pincer_ue_panel),
    FILE_OF("pincer/pack.yaml", pincer_pack),
    FILE_OF("pincer/pincer.cql", pincer_pincer_cql),
    FILE_OF("prescribing-safety/cases/conditions.yaml", prescribing_safety_cases_conditions),
    FILE_OF("prescribing-safety/cases/doses.yaml", prescribing_safety_cases_doses),
    FILE_OF("prescribing-safety/cases/interactions.yaml", prescribing_safety_cases_interactions),
    FILE_OF("prescribing-safety/cases/monitoring.yaml", prescribing_safety_cases_monitoring),
    FILE_OF("prescribing-safety/codelists/acei.csv", prescribing_safety_acei),
    FILE_OF("prescribing-safety/codelists/aldosterone.csv", prescribing_safety_aldosterone),
    FILE_OF("prescribing-safety/codelists/antiplat.csv", prescribing_safety_antiplat),
    FILE_OF("prescribing-safety/codelists/antipsychotic.csv", prescribing_safety_antipsychotic),
    FILE_OF("prescribing-safety/codelists/coc.csv", prescribing_safety_coc),
    FILE_OF("prescribing-safety/codelists/creatinine.csv", prescribing_safety_creatinine),
    FILE_OF("prescribing-safety/codelists/dementia.csv", prescribing_safety_dementia),
    FILE_OF("prescribing-safety/codelists/diur.csv", prescribing_safety_diur),
    FILE_OF("prescribing-safety/codelists/doac.csv", prescribing_safety_doac),
    FILE_OF("prescribing-safety/codelists/egfr.csv", prescribing_safety_egfr),
    FILE_OF("prescribing-safety/codelists/hf.csv", prescribing_safety_hf),
    FILE_OF("prescribing-safety/codelists/inr.csv", prescribing_safety_inr),
    FILE_OF("prescribing-safety/codelists/ksparing.csv", prescribing_safety_ksparing),
    FILE_OF("prescribing-safety/codelists/lith.csv", prescribing_safety_lith),
    FILE_OF("prescribing-safety/codelists/met.csv", prescribing_safety_met),
    FILE_OF("prescribing-safety/codelists/metformin.csv", prescribing_safety_metformin),
    FILE_OF("prescribing-safety/codelists/mtx10.csv", prescribing_safety_mtx10),
    FILE_OF("prescribing-safety/codelists/nsaid.csv", prescribing_safety_nsaid),
    FILE_OF("prescribing-safety/codelists/opioid.csv", prescribing_safety_opioid),
    FILE_OF("prescribing-safety/codelists/potassium.csv", prescribing_safety_potassium),
    FILE_OF("prescribing-safety/codelists/ppi.csv", prescribing_safety_ppi),
    FILE_OF("prescribing-safety/codelists/psychosis.csv", prescribing_safety_psychosis),
    FILE_OF("prescribing-safety/codelists/ratelimiting.csv", prescribing_safety_ratelimiting),
    FILE_OF("prescribing-safety/codelists/ssri.csv", prescribing_safety_ssri),
    FILE_OF("prescribing-safety/codelists/thiazide.csv", prescribing_safety_thiazide),
    FILE_OF("prescribing-safety/codelists/thrombosis.csv", prescribing_safety_thrombosis),
    FILE_OF("prescribing-safety/codelists/trimethoprim.csv", prescribing_safety_trimethoprim),
    FILE_OF("prescribing-safety/codelists/ue.csv", prescribing_safety_ue),
    FILE_OF("prescribing-safety/codelists/valproate.csv", prescribing_safety_valproate),
    FILE_OF("prescribing-safety/codelists/valproateform.csv", prescribing_safety_valproateform),
    FILE_OF("prescribing-safety/codelists/valproatestart.csv", prescribing_safety_valproatestart),
    FILE_OF("prescribing-safety/codelists/warfarin.csv", prescribing_safety_warfarin),
    FILE_OF("prescribing-safety/codelists/weight.csv", prescribing_safety_weight),
    FILE_OF("prescribing-safety/pack.yaml", prescribing_safety_pack),
    FILE_OF("prescribing-safety/prescribing-safety.cql", prescribing_safety_prescribing_safety_cql),
};

size_t vigil_bundled_file_count(void) {
    return sizeof files / sizeof files[0];
}

struct vigil_bundled_file vigil_bundled_file(size_t index) {
    if (index >= vigil_bundled_file_count()) {
        return (struct vigil_bundled_file){"", NULL, 0};
    }
    return files[index];
}
