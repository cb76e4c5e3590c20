// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0
#include "CBundledPacks.h"

// Clang embeds in every C mode; it only remarks that C23 made it standard.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t pincer_audit_cases_audit[] = {
#embed "../VigilPacks/Packs/pincer-audit/cases/audit.yaml"
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
static const uint8_t pincer_ics[] = {
#embed "../VigilPacks/Packs/pincer/codelists/ics.csv"
};
static const uint8_t pincer_laba[] = {
#embed "../VigilPacks/Packs/pincer/codelists/laba.csv"
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

#define FILE_OF(name, bytes) {name, bytes, sizeof bytes}

static const struct vigil_bundled_file files[] = {
    FILE_OF("pincer-audit/cases/audit.yaml", pincer_audit_cases_audit),
    FILE_OF("pincer-audit/codelists/acei.csv", pincer_acei),
    FILE_OF("pincer-audit/codelists/amio.csv", pincer_amio),
    FILE_OF("pincer-audit/codelists/anticoag.csv", pincer_anticoag),
    FILE_OF("pincer-audit/codelists/antiplat.csv", pincer_antiplat),
    FILE_OF("pincer-audit/codelists/aspirin.csv", pincer_aspirin),
    FILE_OF("pincer-audit/codelists/ast.csv", pincer_ast),
    FILE_OF("pincer-audit/codelists/ast_res.csv", pincer_ast_res),
    FILE_OF("pincer-audit/codelists/diur.csv", pincer_diur),
    FILE_OF("pincer-audit/codelists/egfr.csv", pincer_egfr),
    FILE_OF("pincer-audit/codelists/electro.csv", pincer_electro),
    FILE_OF("pincer-audit/codelists/fbc.csv", pincer_fbc),
    FILE_OF("pincer-audit/codelists/gi_bleed.csv", pincer_gi_bleed),
    FILE_OF("pincer-audit/codelists/hf.csv", pincer_hf),
    FILE_OF("pincer-audit/codelists/lft.csv", pincer_lft),
    FILE_OF("pincer-audit/codelists/lith.csv", pincer_lith),
    FILE_OF("pincer-audit/codelists/lith_lev.csv", pincer_lith_lev),
    FILE_OF("pincer-audit/codelists/met.csv", pincer_met),
    FILE_OF("pincer-audit/codelists/non_asp_antiplate.csv", pincer_non_asp_antiplate),
    FILE_OF("pincer-audit/codelists/nsaid.csv", pincer_nsaid),
    FILE_OF("pincer-audit/codelists/nsbb.csv", pincer_nsbb),
    FILE_OF("pincer-audit/codelists/pep.csv", pincer_pep),
    FILE_OF("pincer-audit/codelists/ppi.csv", pincer_ppi),
    FILE_OF("pincer-audit/codelists/renal.csv", pincer_renal),
    FILE_OF("pincer-audit/codelists/tft.csv", pincer_tft),
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
