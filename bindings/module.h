#pragma once

#include <nanobind/nanobind.h>

void bind_text(nanobind::module_& m);
void bind_segmenter(nanobind::module_& m);
void bind_static(nanobind::module_& m);
void bind_counts(nanobind::module_& m);
void bind_vectors(nanobind::module_& m);
void bind_search(nanobind::module_& m);
void bind_fasttext(nanobind::module_& m);
void bind_classifier(nanobind::module_& m);
void bind_tokens(nanobind::module_& m);
void bind_token_pieces(nanobind::module_& m);
