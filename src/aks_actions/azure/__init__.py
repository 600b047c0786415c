"""The room that talks to Azure: Entra tokens without `az`, and AKS through its SDK."""
