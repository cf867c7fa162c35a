// What operations must do: an account of each, in plain lists, with no code of the driver's.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/engine/codec.h"
#include "tests/simulation/model.h"
#include "tests/simulation/rare.h"

namespace pawl::sim {

/// What of a job an operation may ask for.
struct OperationFacts {
  std::string queue;
  std::string name;
  std::string error_type;  // of the last error
  core::Status status{};
  core::Millis created_at = 0;
  core::Millis finished_at = 0;
};

/// One job that an operation looked at, as it stood then, and what became of it.
struct OperationAct {
  core::JobId job;
  std::optional<OperationFacts> facts;  // absent: there was none
  std::optional<core::JobId> made;      // it was changed, and goes on under this id
  core::Millis elapsed = 0;             // the true time
};

/// Goes back with the batches that a crash undoes. Invariants B1 to B7 of docs/simulation.md.
class OperationsModel {
 public:
  OperationsModel(const Model& model, RareCounts& rare) : model_(model), rare_(rare) {}

  // Of the batch under construction.
  void moved(const core::Job& job, core::Status from);
  void changed(const core::JobId& id);
  void acted(std::vector<OperationAct> acts) { building_.acts = std::move(acts); }
  void row(const engine::OperationRow& row) { building_.rows.push_back(row); }
  void row_erased(const std::string& id) { building_.erased.push_back(id); }
  /// As the model knows the job now.
  std::optional<OperationFacts> facts_of(const core::JobId& id) const;
  void close_batch(std::uint64_t number, core::Now now);

  /// What clients were told.
  void told_paused(const std::string& id, bool paused);
  void told_started(const engine::OperationView& view, const engine::OperationSpec& asked);
  void saw_wall(core::Millis wall) { wall_max_ = std::max(wall_max_, wall); }

  /// The power went; the store kept batches up to this one, with these rows.
  void recover(std::uint64_t kept, const std::map<std::string, std::string>& rows);
  /// What the driver goes on with.
  void restarted(const std::vector<engine::OperationView>& views) const;
  /// Nothing else is to be done: so none that could go on may be left.
  void audit_quiet() const;
  std::size_t running() const;

 private:
  struct Act {
    OperationAct what;
    std::uint64_t batch = 0;
  };
  struct Row {
    engine::OperationRow row;
    std::string bytes;
    std::uint64_t batch = 0;
  };
  struct End {
    std::uint64_t batch = 0;
    bool failed = false;
  };
  struct Account {
    std::vector<Row> rows;  // the newest last
    std::vector<Act> acts;
    core::Millis began = 0;                       // by the engine's clock
    std::map<core::JobId, std::uint64_t> waits;   // matched when it began; the batch with which each left
    std::map<core::JobId, std::deque<End>> ends;  // of what it made
    bool paused = false;                          // as clients were told
    std::optional<std::uint64_t> erased;          // the batch
    const engine::OperationView& view() const { return rows.back().row.view; }
  };
  struct Building {
    struct Move {
      core::JobId job;
      core::Status from{};
      core::Status to{};
      bool only_changed = false;
    };
    std::vector<OperationAct> acts;
    std::vector<engine::OperationRow> rows;
    std::vector<std::string> erased;
    std::vector<Move> moves;
  };

  void take_moves(std::uint64_t number);
  void take_row(const engine::OperationRow& row, std::uint64_t number, core::Now now);
  void begin(Account& account, core::Now now) const;
  void check_acts(const Account& account, const std::vector<OperationAct>& acts) const;
  void check_counts(const Account& account) const;
  void check_pace(const Account& account) const;
  void check_care(const Account& account, const engine::OperationView& before) const;
  void check_whole(const Account& account) const;
  bool has_ended(const Account& account, const core::JobId& made) const;

  const Model& model_;
  RareCounts& rare_;
  std::map<std::string, Account> accounts_;  // by id
  Building building_;
  core::Millis wall_max_ = 0;
};

}  // namespace pawl::sim
