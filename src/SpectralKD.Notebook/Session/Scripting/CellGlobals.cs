namespace SpectralKD.Notebook.Session.Scripting;

/// <summary>What every cell sees as its own members.</summary>
public sealed class CellGlobals
{
    /// <summary>Fires when the running cell is interrupted: <c>await Something(CancellationToken)</c>.</summary>
#pragma warning disable CA1822 // A member, not a static: as a member of the cell it is found before the type of the same name.
    public CancellationToken CancellationToken => CellExecution.Current?.Token ?? CancellationToken.None;
#pragma warning restore CA1822
}
