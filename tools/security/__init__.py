"""An outside judge of what the program declares: checkov, over a Terraform plan made from the recorded resources."""
