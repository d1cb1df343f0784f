"""The process that copies runs and sweeps into other programs' stores: TensorBoard, MLflow, Optuna. Off by default."""
